//! Writes the seeds of all properties into a folder, one file each, and the words of headers and caveats into a dictionary.

use core::error::Error;
use l402_oracle::seeds;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(vectors), Some(folder), Some(dictionary)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: seeds <vectors> <folder for the seeds> <dictionary>".into());
    };
    let mut all = seeds::from_vectors(&vectors)?;
    all.extend(seeds::builtin());
    fs::create_dir_all(&folder)?;
    for (number, seed) in all.iter().enumerate() {
        fs::write(folder.join(format!("{number:05}")), seed)?;
    }
    fs::write(&dictionary, seeds::WORDS.iter().map(|word| entry(word)).collect::<String>())?;
    println!("{} seeds", all.len());
    Ok(())
}

/// A line of a libFuzzer dictionary.
fn entry(word: &str) -> String {
    let escaped: Vec<String> = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{}\"\n", escaped.concat())
}
