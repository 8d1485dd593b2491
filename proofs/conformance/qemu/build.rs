//! The memory of each board, for the linker, and what of it is lent to the vectors.
//!
//! `SUBJECTS` names the functions to run, where an image is to hold fewer than all; `LENT_KIB` lends another part of the memory.

use std::path::Path;
use std::{env, fs};

/// Where flash and memory begin, and how many KiB each has; how many of those are lent.
struct Board {
    flash: (u32, u32),
    ram: (u32, u32),
    room: u32,
}

fn main() {
    for name in ["SUBJECTS", "LENT_KIB"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let target = env::var("TARGET").expect("set by cargo");
    let board = match target.as_str() {
        // micro:bit (nRF51822). The stack has what is not lent.
        "thumbv6m-none-eabi" => Board { flash: (0, 256), ram: (0x2000_0000, 16), room: 6 },
        // MPS2 with the images AN385 and AN386.
        "thumbv7m-none-eabi" | "thumbv7em-none-eabi" => {
            Board { flash: (0, 4096), ram: (0x2000_0000, 4096), room: 1024 }
        }
        // QEMU's `virt`, which has no flash: the image is loaded into memory.
        "riscv32imc-unknown-none-elf" => Board { flash: (0x8000_0000, 4096), ram: (0x8040_0000, 4096), room: 1024 },
        other => panic!("no board for {other}"),
    };
    let out = env::var("OUT_DIR").expect("set by cargo");
    write(&out, "memory.x", &memory(&board, target.starts_with("riscv")));
    let subjects = env::var("SUBJECTS").unwrap_or_default();
    let subjects: Vec<_> = subjects.split_whitespace().map(|name| format!("l402_conformance::{name}")).collect();
    let run = if subjects.is_empty() { "l402_conformance::run_all".into() } else { subjects.join(", ") };
    let lent = env::var("LENT_KIB").map_or(board.room, |lent| lent.parse().expect("LENT_KIB is a number"));
    write(
        &out,
        "board.rs",
        &format!("const ROOM: usize = {lent} * 1024;\nconst RUN: &[l402_conformance::Run] = &[{run}];\n"),
    );
    println!("cargo::rustc-link-search={out}");
    if target.starts_with("riscv") {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}

fn memory(board: &Board, regions: bool) -> String {
    let Board { flash, ram, .. } = board;
    let memory = format!(
        "MEMORY {{\n FLASH : ORIGIN = {:#x}, LENGTH = {}K\n RAM : ORIGIN = {:#x}, LENGTH = {}K\n}}\n",
        flash.0, flash.1, ram.0, ram.1
    );
    if regions { memory + REGIONS } else { memory }
}

/// Where riscv-rt puts what.
const REGIONS: &str = "\
REGION_ALIAS(\"REGION_TEXT\", FLASH);
REGION_ALIAS(\"REGION_RODATA\", FLASH);
REGION_ALIAS(\"REGION_DATA\", RAM);
REGION_ALIAS(\"REGION_BSS\", RAM);
REGION_ALIAS(\"REGION_HEAP\", RAM);
REGION_ALIAS(\"REGION_STACK\", RAM);
";

fn write(out: &str, name: &str, text: &str) {
    fs::write(Path::new(out).join(name), text).expect("OUT_DIR can be written");
}
