//! The client layer: pays a 402 within limits, then repeats the request with the credential.
