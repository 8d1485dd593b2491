//! Provisions the firmware: the master key goes into flash as a constant.
//!
//! `DOOR_KEY` names a file with 64 hexadecimal digits, `DOOR_FLOOR` is the earliest time that the door believes, in Unix
//! seconds. There is no default key: a door that anybody can compute tokens for is no door.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=DOOR_KEY");
    println!("cargo::rerun-if-env-changed=DOOR_FLOOR");
    println!("cargo::rerun-if-changed=memory.x");
    if env::var_os("CARGO_FEATURE_FIRMWARE").is_none() {
        return;
    }
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    let key = read_key(&here.join(variable("DOOR_KEY")));
    let floor: u64 = variable("DOOR_FLOOR").parse().expect("DOOR_FLOOR is a number of seconds");
    let source = format!("const MASTER_KEY: [u8; 32] = {key:?};\nconst FLOOR: u64 = {floor};\n");
    fs::write(out.join("provisioned.rs"), source).expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", here.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set; see the README"))
}

fn read_key(path: &PathBuf) -> Vec<u8> {
    println!("cargo::rerun-if-changed={}", path.display());
    let text = fs::read_to_string(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let digits = text.trim();
    assert_eq!(digits.len(), 64, "{}: not 64 hexadecimal digits", path.display());
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("a key is hexadecimal");
    (0..64).step_by(2).map(byte).collect()
}
