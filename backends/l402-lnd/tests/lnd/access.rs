//! What keeps us from LND, each told apart.

use crate::conform::REQUEST;
use crate::fake::{FakeLnd, Mood, World, macaroon};
use core::error::Error as _;
use l402_core::macaroon::base64;
use l402_lightning::{InvoiceSource, Network};
use l402_lnd::{
    ExposedFile, LndConfig, LndError, LndMacaroon, LndPayee, LndPayer, Role, Setting, SettingFault, inspect,
};
use rcgen::{CertificateParams, KeyPair};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

#[tokio::test]
async fn each_fault_has_its_own_words() {
    let lnd = FakeLnd::start(&World::new()).await;
    let mut config = lnd.config();
    config.network = Some(Network::Regtest);
    assert_eq!(inspect(&config, Role::Payee).await.unwrap().node_id, lnd.id());
    for (mood, expected, temporary) in [
        (Mood::Locked, "LND's wallet is locked; unlock it with `lncli unlock`", true),
        (Mood::NotSynced, "LND is still syncing with the chain", true),
        (Mood::OnMainnet, "LND is on bitcoin, not on regtest", false),
        (Mood::Hangs, "no response from LND within 2000 ms", true),
        (
            Mood::Rejects,
            "LND does not accept the macaroon: cannot get macaroon: root key with id 7 doesn't exist",
            false,
        ),
    ] {
        lnd.be(mood);
        let fault = inspect(&config, Role::Payee).await.unwrap_err();
        assert_eq!((fault.to_string().as_str(), fault.is_temporary()), (expected, temporary));
    }
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let lnd = FakeLnd::start(&World::new()).await;
    lnd.go_away().await;
    let fault = inspect(&lnd.config(), Role::Payee).await.unwrap_err();
    assert_eq!(fault.to_string(), format!("cannot reach LND at {}", lnd.address()));
    assert!(fault.source().unwrap().to_string().contains("refused"), "{:?}", fault.source());
}

#[tokio::test]
async fn another_certificate_is_shown_nothing() {
    let world = World::new();
    let (lnd, other) = (FakeLnd::start(&world).await, FakeLnd::start(&world).await);
    let mut config = lnd.config();
    config.certificate = other.config().certificate;
    let fault = inspect(&config, Role::Payee).await.unwrap_err();
    assert!(matches!(fault, LndError::WrongCertificate { .. }), "{fault:?}");
    assert!(!fault.is_temporary());
    assert_eq!(lnd.macaroons(), []);
}

#[tokio::test]
async fn o2_a_macaroon_that_allows_too_little_is_named_before_anything_is_asked() {
    let lnd = FakeLnd::start(&World::new()).await;
    let read_only = lnd.config_allowing(&[("info", &["read"]), ("invoices", &["read"]), ("offchain", &["read"])]);
    let fault = LndPayee::start(&read_only).await.unwrap_err();
    assert_eq!(fault.to_string(), "the macaroon lacks the permission invoices:write");
    let fault = LndPayer::connect(&read_only).await.unwrap_err();
    assert_eq!(fault.to_string(), "the macaroon lacks the permission offchain:write");
    assert_eq!(lnd.macaroons(), []);
}

#[tokio::test]
async fn o2_a_paying_macaroon_that_others_can_read_is_refused() {
    let world = World::new();
    let (one, other) = (FakeLnd::start(&world).await, FakeLnd::start(&world).await);
    let (mut paid, mut pays) = (one.config(), other.config());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.macaroon");
    let ops = [("info", &["read"][..]), ("invoices", &["read", "write"]), ("offchain", &["read", "write"])];
    std::fs::write(&path, macaroon(&ops)).unwrap();
    for (mode, exposed) in [(0o600, false), (0o400, false), (0o640, false), (0o644, true), (0o602, true)] {
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let found = LndMacaroon::find("both.macaroon", folder.path()).unwrap();
        assert_eq!(found.exposed().map(ExposedFile::path), exposed.then_some(&*path), "{mode:o}");
        (paid.macaroon, pays.macaroon) = (found.clone(), found);
        LndPayee::start(&paid).await.unwrap();
        inspect(&paid, Role::Payee).await.unwrap();
        let asked = other.asked("GetInfo");
        let (inspected, paying) = (inspect(&pays, Role::Payer).await, LndPayer::connect(&pays).await);
        assert_eq!((paying.is_err(), inspected.is_err()), (exposed, exposed), "{mode:o}");
        if let Err(fault) = paying {
            let path = path.display();
            let expected = format!("(mode {mode:o}); run `chmod 600 {path}`");
            assert_eq!(
                fault.to_string(),
                format!("the macaroon pays, and {path} is accessible to every user of this machine {expected}")
            );
            assert!(!fault.is_temporary());
            assert_eq!(other.asked("GetInfo"), asked, "nothing was sent");
        }
    }
    pays.macaroon = LndMacaroon::find(&macaroon(&ops), folder.path()).unwrap();
    LndPayer::connect(&pays).await.unwrap();
}

#[tokio::test]
async fn o2_what_lnd_denies_is_named() {
    let lnd = FakeLnd::start(&World::new()).await;
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    lnd.be(Mood::Denies);
    let fault = payee.create_invoice(REQUEST).await.unwrap_err();
    assert_eq!(fault.source().unwrap().to_string(), "the macaroon lacks the permission invoices:write");
}

#[tokio::test]
async fn o2_least_privilege_is_enough() {
    let lnd = FakeLnd::start(&World::new()).await;
    let config = lnd.config_allowing(&[("info", &["read"]), ("invoices", &["read", "write"])]);
    assert!(config.macaroon.permissions().unwrap().excess(Role::Payee).is_empty());
    LndPayee::start(&config).await.unwrap().create_invoice(REQUEST).await.unwrap();
    let digits = macaroon(&[("info", &["read"]), ("invoices", &["read", "write"])]);
    for (path, shown) in lnd.macaroons() {
        let expected = (path != "/lnrpc.State/GetState").then(|| digits.clone());
        assert_eq!(shown, expected, "{path}");
    }
}

#[tokio::test]
async fn an_lndconnect_uri_says_all() {
    let lnd = FakeLnd::start(&World::new()).await;
    let encoded = |bytes: &[u8]| {
        let mut out = vec![0; base64::encoded_len(bytes.len())];
        let text = base64::encode_into(bytes, &mut out).unwrap();
        text.replace('+', "-").replace('/', "_").replace('=', "")
    };
    let digits = macaroon(&[("info", &["read"]), ("invoices", &["read", "write"])]);
    let bytes: Vec<u8> =
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    let (certificate, macaroon) = (encoded(lnd.certificate().der()), encoded(&bytes));
    let uri = format!("lndconnect://{}?cert={certificate}&macaroon={macaroon}", lnd.address());
    let config = LndConfig::from_uri(&uri).unwrap();
    assert_eq!(inspect(&config, Role::Payee).await.unwrap().node_id, lnd.id());

    let from = |variables: &[(&str, &str)]| {
        let found = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        LndConfig::from_environment(found)
    };
    let pem = lnd.certificate().pem();
    let address = lnd.address().to_string();
    let three = [("LND_SOCKET", &*address), ("LND_CERT", &*pem), ("LND_MACAROON", &*digits)];
    assert_eq!(from(&three).unwrap().certificate, config.certificate);
    let both = from(&[("LND_CONNECT", &*uri), ("LND_SOCKET", "elsewhere:1")]).unwrap();
    assert_eq!(both.socket.to_string(), "elsewhere:1");
    for (left_out, other) in [("macaroon", ("LND_MACAROON", &*digits)), ("cert", ("LND_CERT", &*pem))] {
        let rest = uri.replace(&format!("{left_out}="), "none=");
        let joined = from(&[("LND_CONNECT", &*rest), other]).unwrap();
        assert_eq!(joined.certificate, config.certificate, "{left_out}");
        assert_eq!(inspect(&joined, Role::Payee).await.unwrap().node_id, lnd.id(), "{left_out}");
        let fault = from(&[("LND_CONNECT", &*rest)]).unwrap_err();
        assert_eq!((fault.setting().variable(), fault.to_string().contains("is not set")), (other.0, true));
    }

    for (index, setting) in [Setting::Socket, Setting::Certificate, Setting::Macaroon].into_iter().enumerate() {
        let mut rest = three.to_vec();
        rest.remove(index);
        let fault = from(&rest).unwrap_err();
        assert_eq!(fault.setting(), setting);
        assert!(matches!(fault.fault(), SettingFault::Missing));
    }
}

#[test]
fn o2_a_uri_reads_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let macaroon = macaroon(&[("info", &["read"])]);
    let (cert_file, macaroon_file) = (folder.path().join("tls.cert"), folder.path().join("payee"));
    std::fs::write(&cert_file, certificate.pem()).unwrap();
    std::fs::write(&macaroon_file, &macaroon).unwrap();
    let value: String = certificate.pem().lines().filter(|line| !line.starts_with('-')).collect();
    let (value, cert_file) = (value.replace('+', "-").replace('/', "_"), cert_file.to_str().unwrap());
    assert!(LndConfig::from_uri(&format!("lndconnect://lnd:1?cert={value}&macaroon={macaroon}")).is_ok());
    for (cert, macaroon) in [(cert_file, &*macaroon), (&*value, macaroon_file.to_str().unwrap())] {
        let fault = LndConfig::from_uri(&format!("lndconnect://lnd:1?cert={cert}&macaroon={macaroon}")).unwrap_err();
        assert!(matches!((fault.setting(), fault.fault()), (Setting::Uri, SettingFault::Malformed)), "{fault:?}");
    }
}

#[test]
fn o2_a_wrong_uri_is_not_repeated() {
    for (uri, expected) in [
        ("lndconnect://lnd:1", "not of the form"),
        ("https://lnd:1?cert=Q0FOQVJZ&macaroon=Q0FOQVJZ", "not of the form"),
        ("lndconnect://lnd:1?cert=Q0FOQVJZ&macaroon=Q0FOQVJZ", "not of the form"),
        ("lndconnect://lnd:1?macaroon=Q0FOQVJZ", "not of the form"),
        ("lndconnect://lnd:1?cert=Q0FOQVJZ", "not of the form"),
        ("lndconnect://lnd:1?cert=&macaroon=", "certificate is not set"),
    ] {
        let fault = LndConfig::from_uri(uri).unwrap_err();
        assert!(fault.to_string().contains(expected), "{uri}: {fault}");
        assert!(!format!("{fault} {fault:?}").contains("Q0FOQVJZ"));
    }
}
