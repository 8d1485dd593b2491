//! A program whose panic handler calls a function that exists nowhere. It links only where optimised code never calls the handler:
//! then nothing that [`main`] reaches can panic, whatever bytes it is given.
//!
//! 1. Every input goes through [`black_box`]: the compiler knows neither its bytes nor its length.
//! 2. Run, the program exits with the number of verdicts that are not the expected ones: nothing was optimised away.
//! 3. The feature `control` adds an index that may be out of bounds. With it the program must not link.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::hint::black_box;
use core::panic::PanicInfo;
use core::time::Duration;
use l402_core::macaroon::{MacaroonRef, attenuate, base64, hex};
use l402_core::{
    Challenge, ChallengeLine, CredentialHeaders, CredentialLine, Decision, DerivedKeys, Exchange, Gate, GatePolicy,
    InvoiceFacts, MasterKey, Msat, Name, Next, Offer, PaymentHash, Preimage, ResponseStatus, Scheme, SpendLimits,
    TokenFacts, TokenFile, TokenText, UnixSeconds, Uses,
};

const NOW: u64 = 1_700_000_000;
const LIMIT: usize = l402_core::macaroon::MAX_LEN;

/// Base64 of the token that is minted here.
macro_rules! token {
    () => {
        concat!(
            "AgEEbHNhdAJCAAAC1EmjH7smfI81Lplop54+X8lcG76qUC/WRU695aS+3AAAAAMFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB",
            "QUFAAISc2VydmljZXM9d2VhdGhlcjoxAAIdd2VhdGhlcl9jYXBhYmlsaXRpZXM9Zm9yZWNhc3QAAhl3ZWF0aGVyX3NhbGU9MT",
            "AwMCxkZWZhdWx0AAIed2VhdGhlcl92YWxpZF91bnRpbD0xNzAwMDAzNjAwAAAGIJFw8L3eDXusDr5rW9XUj+7p9m2FMin9mn+",
            "KF/ZekRLH",
        )
    };
}

/// The same, sold for three uses.
macro_rules! counted_token {
    () => {
        concat!(
            "AgEEbHNhdAJCAAAC1EmjH7smfI81Lplop54+X8lcG76qUC/WRU695aS+3AAAAAMFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB",
            "QUFAAISc2VydmljZXM9d2VhdGhlcjoxAAIdd2VhdGhlcl9jYXBhYmlsaXRpZXM9Zm9yZWNhc3QAAg53ZWF0aGVyX3VzZXM9Mw",
            "ACGXdlYXRoZXJfc2FsZT0xMDAwLGRlZmF1bHQAAh53ZWF0aGVyX3ZhbGlkX3VudGlsPTE3MDAwMDM2MDAAAAYgyWY/9to70ce",
            "OgeXZ0lvqe6LmTCRrL70t5NNN4nMiGIA=",
        )
    };
}

/// 32 times `0x11`: the preimage, and its hash.
const PREIMAGE: [u8; 32] = [0x11; 32];
const PAYMENT_HASH: [u8; 32] = [
    0x02, 0xd4, 0x49, 0xa3, 0x1f, 0xbb, 0x26, 0x7c, 0x8f, 0x35, 0x2e, 0x99, 0x68, 0xa7, 0x9e, 0x3e, 0x5f, 0xc9, 0x5c,
    0x1b, 0xbe, 0xaa, 0x50, 0x2f, 0xd6, 0x45, 0x4e, 0xbd, 0xe5, 0xa4, 0xbe, 0xdc,
];

const CREDENTIAL: &[u8] =
    concat!("L402 ", token!(), ":1111111111111111111111111111111111111111111111111111111111111111").as_bytes();
const COUNTED: &[u8] =
    concat!("L402 ", counted_token!(), ":1111111111111111111111111111111111111111111111111111111111111111").as_bytes();
const PAID: &[u8] = b"preimage=1111111111111111111111111111111111111111111111111111111111111111";
const CHALLENGE: &[u8] = concat!("L402 version=\"0\", token=\"", token!(), "\", invoice=\"lnbc1\"").as_bytes();

mod ledger;

mod missing {
    #[expect(unsafe_code, reason = "a symbol that exists nowhere cannot be named otherwise")]
    unsafe extern "C" {
        pub(crate) safe fn protocol_code_can_panic() -> !;
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    missing::protocol_code_can_panic()
}

/// Where the C library's start code jumps to.
#[expect(unsafe_code, reason = "the start code looks for this name")]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let keys = DerivedKeys::new(black_box(3), &MasterKey::from_bytes(black_box([7; 32])));
    let Some(offer) = offer() else { return 100 };
    let verdicts = [
        admits(&keys, &offer),
        counts(&keys, &offer),
        mints(&keys, &offer),
        ledger::keeps(),
        reads_challenges(),
        reads_tokens(),
        emits(),
        exchanges(),
        attenuates(),
        reads_token_files(),
        !cfg!(feature = "control") || control(),
    ];
    verdicts.into_iter().map(|right| i32::from(!right)).sum()
}

fn offer() -> Option<Offer> {
    let service = Name::new(black_box("weather")).ok()?;
    let capability = Some(Name::new(black_box("forecast")).ok()?);
    Some(
        Offer::new(service, Msat::new(1000))
            .tier(black_box(1))
            .capability(capability)
            .valid_for(Duration::from_secs(black_box(3600))),
    )
}

/// Header fields in, verdict out.
fn admits(keys: &DerivedKeys, offer: &Offer) -> bool {
    let mut fields = CredentialHeaders::new();
    fields.add(black_box("accept"), black_box(b"*/*"));
    fields.add(black_box("Authorization"), black_box(CREDENTIAL));
    let gate = Gate::new(keys.clone(), black_box(GatePolicy::default()));
    matches!(gate.decide(&fields, offer, black_box(NOW).into()), Decision::Admit(_))
}

/// A token that was sold by use, and one whose holder passed some of it on.
fn counts(keys: &DerivedKeys, offer: &Offer) -> bool {
    let gate = Gate::new(keys.clone(), black_box(GatePolicy::default()));
    let (mut bytes, mut longer, mut digits) = ([0; LIMIT], [0; LIMIT], [0; 2 * LIMIT]);
    let bytes = base64::decode_into(black_box(counted_token!().as_bytes()), &mut bytes).unwrap_or_default();
    let Ok(token) = MacaroonRef::parse(black_box(bytes)) else { return false };
    let Ok(lent) = attenuate(token, black_box(b"weather_uses=2:lent"), &mut longer) else { return false };
    let mut paid = [0; LIMIT];
    let Ok(lent) = attenuate(lent, black_box(PAID), &mut paid) else { return false };
    let Some(lent) = hex::encode_into(lent.as_bytes(), &mut digits) else { return false };
    [(black_box("Authorization"), COUNTED, 1), (black_box("Macaroon"), lent.as_bytes(), 2)].into_iter().all(
        |(name, value, counters)| {
            let mut fields = CredentialHeaders::new();
            fields.add(name, black_box(value));
            let decision = gate.decide(&fields, offer, black_box(NOW).into());
            matches!(decision, Decision::Reserve { grant, .. } if grant.counters().iter().count() == counters)
        },
    )
}

fn mints(keys: &DerivedKeys, offer: &Offer) -> bool {
    let (mut text, mut counted) = (TokenText::new(), TokenText::new());
    let hash = PaymentHash::from_bytes(black_box(PAYMENT_HASH));
    let by_use = offer.clone().uses(Uses::times(black_box(3)).unwrap_or_default());
    keys.mint(offer, &hash, black_box([5; 28]), black_box(NOW).into(), &mut text) == Ok(token!())
        && keys.mint(&by_use, &hash, black_box([5; 28]), black_box(NOW).into(), &mut counted) == Ok(counted_token!())
}

fn reads_challenges() -> bool {
    let (mut text, mut bytes) = ([0; 2 * LIMIT], [0; LIMIT]);
    let challenge = Challenge::select([black_box(CHALLENGE), black_box(b"Basic realm=x")]);
    challenge.is_ok_and(|challenge| challenge.decode_token(&mut text, &mut bytes).is_ok())
}

fn reads_tokens() -> bool {
    TokenFacts::read(black_box(token!().as_bytes()), &mut [0; LIMIT]).payment_hash.is_some()
}

/// Both lines of a challenge and the line of a credential.
fn emits() -> bool {
    let preimage = Preimage::from_bytes(black_box(PREIMAGE));
    let credential =
        CredentialLine { scheme: black_box(Scheme::L402), token: black_box(token!()), preimage: &preimage };
    let [first, second] = ChallengeLine::both(black_box(token!()), black_box("lnbc1"));
    let (mut line, mut others) = (Line { bytes: [0; 2048], length: 0 }, Line { bytes: [0; 2048], length: 0 });
    let written = write!(line, "{credential}").is_ok() && write!(others, "{first}, {second}").is_ok();
    written && line.bytes.get(..line.length) == Some(CREDENTIAL)
}

/// A client's first answer, which demands payment.
fn exchanges() -> bool {
    let mut exchange =
        Exchange::new(black_box(SpendLimits { max_price_msat: Msat::new(1000), max_fee_msat: Msat::new(10) }));
    let answer = black_box(ResponseStatus { status: 402, grpc_status: None });
    let token = black_box(TokenFacts::default());
    let invoice = InvoiceFacts {
        payment_hash: PaymentHash::from_bytes(PAYMENT_HASH),
        amount_msat: Some(Msat::new(1)),
        expires_at: UnixSeconds::new(NOW),
    };
    let authorized = exchange.authorize_token(&token, &black_box(invoice), black_box(0).into()).is_ok();
    authorized
        && matches!(exchange.on_response(answer, [black_box(CHALLENGE)]), Ok(Next::Pay(_)))
        && !exchange.leave_out_token(answer)
}

fn attenuates() -> bool {
    let (mut bytes, mut longer) = ([0; LIMIT], [0; LIMIT]);
    let bytes = base64::decode_into(black_box(token!().as_bytes()), &mut bytes).unwrap_or_default();
    let token = MacaroonRef::parse(black_box(bytes));
    token.is_ok_and(|token| attenuate(token, black_box(b"services=weather:0"), &mut longer).is_ok())
}

/// A file without its token is refused, and looked at all the same.
fn reads_token_files() -> bool {
    let mut out = [0; LIMIT];
    match TokenFile::parse(black_box(&PREIMAGE)) {
        Ok(file) => file.write_into(&mut out).is_ok(),
        Err(_) => true,
    }
}

fn control() -> bool {
    black_box(PREIMAGE.as_slice())[black_box(31)] == 0x11
}

/// Text on its way out, as far as there is room.
struct Line {
    bytes: [u8; 2048],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.length..).and_then(|rest| rest.get_mut(..text.len())).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = self.length.saturating_add(text.len());
        Ok(())
    }
}
