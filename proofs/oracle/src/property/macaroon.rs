//! The codec and the signature chain, against the plain one over the `hmac` crate.

use super::input::Input;
use crate::second::macaroon::{Caveat, MAX_CAVEATS, MAX_LEN, Macaroon};
use crate::second::text::hmac;
use crate::second::token_file::{self, TokenFile};
use l402_core::Preimage;
use l402_core::macaroon::{MacaroonRef, MintError, RootKey, attenuate, mint as mint_into};

/// Bytes are a macaroon V2 for both readers or for neither, with the same parts; it is exactly its bytes, and grows by a caveat as the
/// chain says.
pub fn macaroon_v2(data: &[u8]) {
    let second = Macaroon::read_v2(data);
    let ours = MacaroonRef::parse(data).ok();
    assert_eq!(ours.as_ref().map(parts), second);
    if let (Some(ours), Some(second)) = (ours, second) {
        assert_eq!(ours.as_bytes(), data);
        grows(ours, second, data);
    }
}

/// Bytes are a macaroon V1 for both readers or for neither, with the same parts; what is added to it is written in the format V2.
#[cfg(feature = "v1")]
pub fn macaroon_v1(data: &[u8]) {
    let second = Macaroon::read_v1(data);
    let ours = MacaroonRef::parse_v1(data).ok();
    assert_eq!(ours.as_ref().map(parts), second);
    if let (Some(ours), Some(second)) = (ours, second) {
        grows(ours, second, data);
    }
}

/// A token verifies if and only if its signature is the one that the `hmac` crate computes; the right one always does, and none that
/// differs in a bit, whichever word that is in.
pub fn verify(data: &[u8]) {
    let mut input = Input::new(data);
    let (root, bit): ([u8; 8], _) = (input.array(), usize::from(input.below(32)));
    let token = input.text;
    let Some(second) = Macaroon::read_v2(token) else { return };
    let key = RootKey::new(&root);
    let right = second.signature_under(&root);
    let (unsigned, signature) = token.split_at(token.len() - 32);
    let verifies = |signature: &[u8]| {
        let bytes = [unsigned, signature].concat();
        MacaroonRef::parse(&bytes).expect("the signature alone differs").verify(&key).is_ok()
    };
    assert_eq!(verifies(signature), signature == right);
    assert!(verifies(&right));
    for word in 0..8 {
        let mut wrong = right;
        wrong[4 * word + bit / 8] ^= 1 << (bit % 8);
        assert!(!verifies(&wrong));
    }
}

/// What is minted is what the plain writer writes, needs the room that it says, reads back, and verifies under its key and no other.
pub fn mint(data: &[u8]) {
    let mut input = Input::new(data);
    let root: [u8; 8] = input.array();
    let mut lines = input.lines();
    let caveats = lines.split_off(lines.len().min(2));
    let (location, identifier) =
        (lines.first().cloned().unwrap_or_default(), lines.get(1).cloned().unwrap_or_default());
    let second = Macaroon::mint(&root, &location, &identifier, &caveats);
    let expected = second.write_v2();

    let borrowed: Vec<&[u8]> = caveats.iter().map(Vec::as_slice).collect();
    let key = RootKey::new(&root);
    let mut short = vec![0; expected.len() - 1];
    let fault = mint_into(&key, &location, &identifier, &borrowed, &mut short).err();
    assert_eq!(fault, Some(MintError::BufferTooSmall { needed: expected.len() }));

    let mut exact = vec![0; expected.len()];
    match mint_into(&key, &location, &identifier, &borrowed, &mut exact) {
        Ok(token) => {
            assert_eq!(token.as_bytes(), expected);
            assert_eq!(parts(&token), second);
            assert!(token.verify(&key).is_ok());
            assert!(token.verify(&RootKey::new(&[&root[..], b"'"].concat())).is_err());
        }
        Err(fault) => {
            assert!(matches!(fault, MintError::Limit(_)));
            assert!(expected.len() > MAX_LEN || caveats.len() > MAX_CAVEATS);
        }
    }
}

/// Bytes are a token file for both readers or for neither, with the same parts, and it is written as it was.
pub fn token_file(data: &[u8]) {
    let ours = l402_core::TokenFile::parse(data).ok();
    let read = ours.as_ref().map(|file| TokenFile {
        macaroon: parts(&file.macaroon()),
        payment_hash: file.payment_hash().as_bytes().to_vec(),
        preimage: file.preimage().map(Preimage::expose).map(|preimage| preimage.to_vec()),
        paid_msat: file.paid_msat().get(),
        fee_msat: file.fee_msat().get(),
        time_ns: file.time_ns(),
    });
    assert_eq!(read, token_file::read(data));
    if let Some(ours) = ours {
        let mut out = vec![0; ours.len()];
        assert_eq!(ours.write_into(&mut out), Ok(data));
        assert!(ours.write_into(&mut vec![0; data.len() - 1]).is_err());
    }
}

/// What our view says about a macaroon.
fn parts(token: &MacaroonRef<'_>) -> Macaroon {
    let caveats = token.unverified_caveats().map(|caveat| Caveat {
        location: caveat.location.to_vec(),
        id: caveat.id.to_vec(),
        verification_id: caveat.verification_id.map(<[u8]>::to_vec),
    });
    Macaroon {
        location: token.location().to_vec(),
        identifier: token.identifier().to_vec(),
        caveats: caveats.collect(),
        signature: token.signature().to_vec(),
    }
}

fn grows(ours: MacaroonRef<'_>, mut second: Macaroon, caveat: &[u8]) {
    let id = caveat[..caveat.len().min(80)].to_vec();
    let mut out = vec![0; 2 * MAX_LEN];
    let grown = attenuate(ours, &id, &mut out);
    second.signature = hmac(&second.signature, &id).to_vec();
    second.caveats.push(Caveat { id, ..Caveat::default() });
    let expected = second.write_v2();
    match grown {
        Ok(grown) => assert_eq!(grown.as_bytes(), expected),
        Err(fault) => {
            assert!(matches!(fault, MintError::Limit(_)));
            assert!(expected.len() > MAX_LEN || second.caveats.len() > MAX_CAVEATS);
        }
    }
}
