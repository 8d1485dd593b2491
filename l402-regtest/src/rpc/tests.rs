//! One test per method, through the same door as a client: bytes in, JSON out.

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::hashes::Hash;
use bitcoin::{Amount, Block, ScriptBuf, Transaction, Txid};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::*;

/// A chain with mature coins in its faucet.
fn chain() -> Chain {
    let chain = Chain::in_memory();
    chain.mine(105).unwrap();
    chain
}

/// Sends a payment from the faucet to the mempool.
fn pay(chain: &Chain) -> Txid {
    let script = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::all_zeros());
    chain.fund(&[(script, Amount::from_sat(50_000))]).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "reads better with json!")]
fn request(chain: &Chain, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "1.0", "id": "7", "method": method, "params": params });
    let answer = call::answer(chain, body.to_string().as_bytes());
    assert_eq!(answer["id"], "7");
    answer
}

fn result(chain: &Chain, method: &str, params: Value) -> Value {
    let answer = request(chain, method, params);
    assert!(answer["error"].is_null(), "{method}: {answer}");
    answer["result"].clone()
}

fn error(chain: &Chain, method: &str, params: Value) -> (i64, String) {
    let answer = request(chain, method, params);
    assert!(answer["result"].is_null(), "{method}: {answer}");
    let error = &answer["error"];
    (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
}

fn of(code: i64, message: &str) -> (i64, String) {
    (code, message.to_owned())
}

#[test]
fn getblockchaininfo_names_the_tip_and_taproot() {
    let chain = chain();
    let info = result(&chain, "getblockchaininfo", json!([]));
    assert_eq!(info["chain"], "regtest");
    assert_eq!(info["blocks"], 105);
    assert_eq!(info["bestblockhash"], chain.tip().to_string());
    assert_eq!(info["softforks"]["taproot"]["active"], true);
}

#[test]
fn getblockcount_getbestblockhash_and_getblockhash_agree() {
    let chain = chain();
    assert_eq!(result(&chain, "getblockcount", json!(null)), 105);
    let tip = result(&chain, "getbestblockhash", json!([]));
    assert_eq!(result(&chain, "getblockhash", json!([105])), tip);
    let out_of_range = of(-8, "Block height out of range");
    assert_eq!(error(&chain, "getblockhash", json!([106])), out_of_range);
    assert_eq!(error(&chain, "getblockhash", json!([])), of(-1, "parameter 1 is missing"));
    assert_eq!(error(&chain, "getblockhash", json!(["x"])), of(-3, "parameter 1 has another type"));
}

#[test]
fn getblockheader_is_an_object_or_80_bytes() {
    let chain = chain();
    let header = result(&chain, "getblockheader", json!([chain.tip()]));
    assert_eq!(header["height"], 105);
    assert_eq!(header["confirmations"], 1);
    assert_eq!(header["bits"], "207fffff");
    // Each block of lowest difficulty is two hashes' work: (105 + 1) * 2.
    assert_eq!(header["chainwork"], format!("{:064x}", 212));
    let parent = &header["previousblockhash"];
    assert_eq!(result(&chain, "getblockheader", json!([parent]))["nextblockhash"], header["hash"]);
    let hex = result(&chain, "getblockheader", json!([chain.tip(), false]));
    assert_eq!(hex.as_str().unwrap().len(), 160);
    let unknown = json!(["00".repeat(32)]);
    assert_eq!(error(&chain, "getblockheader", unknown), of(-5, "Block not found"));
    let short = of(-8, "parameter 1 must be of length 64");
    assert_eq!(error(&chain, "getblockheader", json!(["abc"])), short);
}

#[test]
fn getblock_is_hexadecimal_or_an_object() {
    let chain = chain();
    let hex = result(&chain, "getblock", json!([chain.tip(), 0]));
    let block: Block = deserialize_hex(hex.as_str().unwrap()).unwrap();
    assert_eq!(block.block_hash(), chain.tip());
    let object = result(&chain, "getblock", json!([chain.tip()]));
    assert_eq!(object["tx"], json!([block.txdata[0].compute_txid()]));
    assert_eq!(object["nTx"], 1);
}

#[test]
fn the_mempool_is_listed_described_and_counted() {
    let chain = chain();
    let txid = pay(&chain);
    assert_eq!(result(&chain, "getrawmempool", json!([false])), json!([txid]));
    let entry = result(&chain, "getmempoolentry", json!([txid]));
    assert_eq!(entry["height"], 105);
    assert!(entry["time"].as_u64().unwrap() > 1_700_000_000);
    assert!(entry["fees"]["base"].as_f64().unwrap() > 0.0);
    let younger = result(&chain, "getmempoolentry", json!([pay(&chain)]));
    assert!(younger["time"].as_u64() > entry["time"].as_u64());
    let info = result(&chain, "getmempoolinfo", json!([]));
    assert_eq!(info["size"], 2);
    assert_eq!(info["mempoolminfee"], 0.000_01);
    chain.mine(1).unwrap();
    assert_eq!(result(&chain, "getrawmempool", json!([])), json!([]));
    let gone = of(-5, "Transaction not in mempool");
    assert_eq!(error(&chain, "getmempoolentry", json!([txid])), gone);
}

#[test]
fn estimatesmartfee_answers_the_least_rate() {
    let answer = result(&chain(), "estimatesmartfee", json!([6]));
    assert_eq!(answer, json!({ "feerate": 0.000_01, "blocks": 6 }));
}

#[test]
fn getrawtransaction_tells_waiting_from_confirmed() {
    let chain = chain();
    let txid = pay(&chain);
    let hex = result(&chain, "getrawtransaction", json!([txid]));
    let tx: Transaction = deserialize_hex(hex.as_str().unwrap()).unwrap();
    assert_eq!(tx.compute_txid(), txid);
    let waiting = result(&chain, "getrawtransaction", json!([txid, true]));
    assert_eq!(waiting["hex"], hex);
    assert!(waiting.get("blockhash").is_none());
    chain.mine(2).unwrap();
    let confirmed = result(&chain, "getrawtransaction", json!([txid, 1]));
    assert_eq!(confirmed["blockhash"], json!(chain.block(106).unwrap().block_hash()));
    assert_eq!(confirmed["confirmations"], 2);
    assert_eq!(confirmed["vout"][0]["value"], 0.0005);
    let unknown = error(&chain, "getrawtransaction", json!(["11".repeat(32), true]));
    let text = "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.";
    assert_eq!(unknown, of(-5, text));
}

#[test]
fn gettxout_sees_the_mempool_unless_told_not_to() {
    let chain = chain();
    let txid = pay(&chain);
    let waiting = result(&chain, "gettxout", json!([txid, 0]));
    assert_eq!(waiting["confirmations"], 0);
    assert_eq!(waiting["scriptPubKey"]["hex"], format!("0014{}", "00".repeat(20)));
    assert!(result(&chain, "gettxout", json!([txid, 0, false])).is_null());
    let verbose = result(&chain, "getrawtransaction", json!([txid, true]));
    let (spent, vout) = (&verbose["vin"][0]["txid"], &verbose["vin"][0]["vout"]);
    assert!(result(&chain, "gettxout", json!([spent, vout, true])).is_null());
    assert_eq!(result(&chain, "gettxout", json!([spent, vout, false]))["coinbase"], true);
    chain.mine(3).unwrap();
    assert_eq!(result(&chain, "gettxout", json!([txid, 0, false]))["confirmations"], 3);
    assert!(result(&chain, "gettxout", json!([spent, vout, false])).is_null());
}

#[test]
fn gettxspendingprevout_names_the_spender() {
    let chain = chain();
    let txid = pay(&chain);
    let verbose = result(&chain, "getrawtransaction", json!([txid, true]));
    let spent = json!({ "txid": verbose["vin"][0]["txid"], "vout": verbose["vin"][0]["vout"] });
    let unspent = json!({ "txid": txid, "vout": 0 });
    let answer = result(&chain, "gettxspendingprevout", json!([[spent, unspent]]));
    assert_eq!(answer[0]["spendingtxid"], json!(txid));
    assert!(answer[1].get("spendingtxid").is_none());
}

#[test]
fn sendrawtransaction_accepts_twice_and_gives_reasons() {
    let chain = chain();
    let txid = pay(&chain);
    let hex = result(&chain, "getrawtransaction", json!([txid]));
    assert_eq!(result(&chain, "sendrawtransaction", json!([hex])), json!(txid));
    let mut forged: Transaction = deserialize_hex(hex.as_str().unwrap()).unwrap();
    forged.output[1].value -= Amount::from_sat(100_000);
    let forged = json!([serialize_hex(&forged)]);
    let refused = of(-26, "mandatory-script-verify-flag-failed (input 0)");
    assert_eq!(error(&chain, "sendrawtransaction", forged), refused);
    chain.mine(1).unwrap();
    let known = of(-27, "Transaction outputs already in utxo set");
    assert_eq!(error(&chain, "sendrawtransaction", json!([hex])), known);
    assert_eq!(error(&chain, "sendrawtransaction", json!(["00"])).0, -22);
}

#[test]
fn testmempoolaccept_changes_nothing() {
    let (chain, other) = (chain(), Chain::in_memory());
    let txid = pay(&chain);
    let hex = result(&chain, "getrawtransaction", json!([txid]));
    let waiting = result(&chain, "testmempoolaccept", json!([[hex]]));
    assert_eq!(waiting[0]["reject-reason"], "txn-already-in-mempool");
    let missing = result(&other, "testmempoolaccept", json!([[hex]]));
    assert_eq!(missing[0]["reject-reason"], "bad-txns-inputs-missingorspent");
    // The same blocks without the payment in the mempool: allowed, and still not in it afterwards.
    let replayed = replay(&chain);
    let allowed = result(&replayed, "testmempoolaccept", json!([[hex]]));
    assert_eq!(allowed[0]["allowed"], true);
    assert_eq!(result(&replayed, "getrawmempool", json!([])), json!([]));
}

/// A chain of the same blocks with an empty mempool.
fn replay(chain: &Chain) -> Chain {
    let copy = Chain::in_memory();
    for height in 1..=chain.height() {
        copy.lock().connect(chain.block(height).unwrap()).unwrap();
    }
    copy
}

#[test]
fn lnd_finds_the_daemon_that_it_looks_for() {
    let chain = chain();
    assert_eq!(error(&chain, "getinfo", json!([])), of(-32601, "Method not found"));
    let info = result(&chain, "getnetworkinfo", json!([]));
    assert_eq!((&info["version"], &info["subversion"]), (&json!(280_000), &json!("/Satoshi:28.0.0/")));
    assert_eq!(result(&chain, "getpeerinfo", json!([])), json!([]));
    assert_eq!(result(&chain, "uptime", json!([])), 1);
}

#[test]
fn a_batch_is_answered_in_order_with_its_errors_inside() {
    let batch = json!([
        { "id": 1, "method": "getblockcount", "params": [] },
        { "id": 2, "method": "nonsense", "params": [] },
        { "id": 3, "method": "getblockhash", "params": [0] },
    ]);
    let answer = call::answer(&chain(), batch.to_string().as_bytes());
    assert_eq!(answer[0]["result"], 105);
    assert_eq!(answer[1]["error"]["code"], -32601);
    assert_eq!(answer[2]["id"], 3);
}

#[test]
fn what_is_no_call_is_told_so() {
    let chain = chain();
    assert_eq!(call::answer(&chain, b"{")["error"]["code"], -32700);
    assert_eq!(call::answer(&chain, b"7")["error"]["code"], -32600);
    assert_eq!(error(&chain, "getblockhash", json!({ "height": 1 })).0, -8);
}

#[test]
fn only_post_with_the_password_comes_in() {
    let (chain, credentials) = (chain(), Credentials::new(Zeroizing::new("secret".to_owned())));
    let send = |method: Method, authorization: &str| {
        let body = Bytes::from_static(br#"{"id":1,"method":"nonsense","params":[]}"#);
        let request = hyper::Request::builder().method(method).header(AUTHORIZATION, authorization).body(body).unwrap();
        respond(&chain, &credentials, &request).status()
    };
    // l402:secret and l402:wrong
    assert_eq!(send(Method::POST, "Basic bDQwMjpzZWNyZXQ="), StatusCode::OK);
    assert_eq!(send(Method::POST, "Basic bDQwMjp3cm9uZw=="), StatusCode::UNAUTHORIZED);
    assert_eq!(send(Method::POST, ""), StatusCode::UNAUTHORIZED);
    assert_eq!(send(Method::GET, "Basic bDQwMjpzZWNyZXQ="), StatusCode::METHOD_NOT_ALLOWED);
    assert!(!format!("{credentials:?}").contains("secret"));
}
