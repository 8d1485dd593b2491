// The kinds of cases, field by field, as spec-vectors/schema.json has them.
//
// The build script and the library both include this file. There, the types of fields are what serde reads and what prints
// itself as Rust; here, they are static data. A field that is not declared fails the build, and so does a kind.

kinds! {
    "macaroon/decode" MACAROON_DECODE: MacaroonDecode => MacaroonFacts { macaroon: Hex }
    "macaroon/verify" MACAROON_VERIFY: MacaroonVerify => Nothing { macaroon: Hex, root_key: Hex }
    "macaroon/mint" MACAROON_MINT: MacaroonMint => MacaroonMade {
        root_key: Hex, location: Hex, identifier: Hex, caveats: List<Hex>, capacity: Option<usize>
    }
    "macaroon/attenuate" MACAROON_ATTENUATE: MacaroonAttenuate => MacaroonMade {
        macaroon: Hex, caveat: Hex, capacity: Option<usize>
    }
    "macaroon/v1" MACAROON_V1: MacaroonV1 => MacaroonFacts { macaroon: Hex, root_key: Hex }
    "identifier/identifier" IDENTIFIER: IdentifierCase => IdentifierFacts { identifier: Hex }
    "challenge/parse" CHALLENGE_PARSE: ChallengeParse => Shown {
        lines: Option<List<Text>>, lines_hex: Option<List<Hex>>
    }
    "challenge/token" CHALLENGE_TOKEN: ChallengeToken => TokenRead { token: Text }
    "challenge/emit" CHALLENGE_EMIT: ChallengeEmit => Emitted { token: Text, invoice: Text }
    "credential/parse" CREDENTIAL_PARSE: CredentialParse => Payment {
        root_key: Option<Hex>, fields: List<Field>, strip: List<bool>
    }
    "grpc/credential" GRPC_CREDENTIAL: GrpcCredential => Payment {
        root_key: Option<Hex>, fields: List<Field>, strip: List<bool>
    }
    "credential/emit" CREDENTIAL_EMIT: CredentialEmit => EmittedValue { scheme: Name, token: Text, preimage: Hex32 }
    "caveat/syntax" CAVEAT_SYNTAX: CaveatSyntax => CaveatParts { caveat: Hex }
    "caveat/narrowing" CAVEAT_NARROWING: CaveatNarrowing => Granted {
        caveats: List<Hex>, offer: Asked, unknown: Name, now: U64, root_key: Hex, macaroon: Hex, preimage: Hex32
    }
    "caveat/satisfaction" CAVEAT_SATISFACTION: CaveatSatisfaction => Granted {
        caveats: List<Hex>, offer: Asked, unknown: Name, now: U64, root_key: Hex, macaroon: Hex, preimage: Hex32
    }
    "keys/epochs" KEYS_EPOCHS: KeysEpochs => KeyFound {
        keys: List<EpochKey>, macaroon: Option<Hex>, preimage: Option<Hex32>
    }
    "keys/mint" KEYS_MINT: KeysMint => Minted {
        epoch: u32, master: Hex32, payment_hash: Hex32, random: Hex28, now: U64, offer: Sold
    }
    "bolt11/binding" BOLT11_BINDING: Bolt11Binding => Order {
        invoice: Ignored, facts: Facts, macaroon: Hex, now: U64, limits: Bounds
    }
    "exchange/gate" EXCHANGE_GATE: ExchangeGate => Decided {
        keys: List<EpochKey>, policy: Policy, offer: Sold, now: U64, fields: List<Field>
    }
    "exchange/client" EXCHANGE_CLIENT: ExchangeClient => Nothing { stored_token: bool, steps: List<Step> }
    "exchange/whole" EXCHANGE_WHOLE: ExchangeWhole => Answered {
        keys: List<EpochKey>, policy: Policy, offer: Sold, limits: Bounds, random: Hex28, payment_hash: Hex32,
        invoice: Name, facts: Facts, now: U64, lines: List<Text>, preimage: Hex32, credential: Text,
        fields: List<Field>, second_offer: Sold, later: U64
    }
    "grpc/response" GRPC_RESPONSE: GrpcResponse => Shown { status: u16, headers: List<Field> }
    "token-file/read" TOKEN_FILE_READ: TokenFileRead => TokenFileFacts { file: Hex }
    "token-file/write" TOKEN_FILE_WRITE: TokenFileWrite => TokenFileMade {
        macaroon: Hex, payment_hash: Hex32, preimage: Option<Hex32>, paid_msat: U64, fee_msat: U64, time_ns: I64,
        capacity: Option<usize>
    }
}

parts! {
    Nothing {}
    MacaroonFacts { location: Hex, identifier: Hex, caveats: List<CaveatFacts>, signature: Hex32 }
    CaveatFacts { id: Hex, location: Hex, verification_id: Option<Hex> }
    MacaroonMade { macaroon: Hex }
    IdentifierFacts { payment_hash: Hex32, token_id: Hex32, epoch: u32 }
    Shown { scheme: Name, token: Text, invoice: Text }
    TokenRead { payment_hash: Option<Hex32>, expires_at: Option<U64> }
    Emitted { lines: List<Text> }
    EmittedValue { value: Text }
    Payment { payment_hash: Hex32 }
    CaveatParts { condition: Name, value: Name }
    Granted {
        expires_at: Option<U64>, sold_msat: Option<U64>, sale_ends_at: Option<U64>, counters: Option<List<CounterFacts>>
    }
    CounterFacts { key: Hex16, limit: Option<u32>, balance_msat: Option<U64> }
    KeyFound { root_key: Hex32 }
    Minted { token: Text }
    Order { payment_hash: Hex32, amount_msat: U64, max_fee_msat: U64 }
    Decided {
        status: Option<u16>, reason: Option<Name>, payment_hash: Option<Hex32>, token_id: Option<Hex32>,
        expires_at: Option<U64>
    }
    Answered { status: u16, reason: Option<Name> }
    TokenFileFacts {
        macaroon: Hex, payment_hash: Hex32, preimage: Option<Hex32>, paid_msat: U64, fee_msat: U64, time_ns: I64
    }
    TokenFileMade { file: Hex }
    Field { name: Name, value: Option<Text>, value_hex: Option<Hex> }
    Asked { service: Name, tier: u32, capability: Option<Name>, metered: Option<bool> }
    Sold {
        service: Name, tier: u32, capability: Option<Name>, price_msat: Option<U64>, valid_for: U64, uses: Option<u32>,
        metered: Option<bool>, plan: Option<Name>
    }
    EpochKey { epoch: u32, master: Hex32 }
    Bounds { max_price_msat: U64, max_fee_msat: U64 }
    Facts { network: Option<Ignored>, payment_hash: Hex32, amount_msat: Option<U64>, expires_at: U64 }
    Policy { malformed: u16, forged: u16, unknown: Name, settlement: Name }
    Step {
        status: u16, grpc_status: Option<u32>, lines: Option<List<Text>>, lines_hex: Option<List<Hex>>, next: Name,
        paid: bool, error: Option<Name>
    }
}
