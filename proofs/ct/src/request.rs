//! Client requests to valgrind: which bytes are secret.
//!
//! The only `unsafe` of this harness, which is not shipped. A client request is a sequence of instructions that does nothing
//! on a processor and that valgrind recognises (`valgrind.h`); the crates that wrap it need valgrind's headers, a C compiler
//! and libclang for these few lines.

use std::hint::black_box;

/// Marks bytes as undefined: memcheck then reports every branch and every address that depends on them.
pub fn undefined(secret: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, secret.as_ptr().expose_provenance(), secret.len());
    black_box(secret);
}

/// Marks a value as defined, where it is a verdict and therefore public. What it points to stays as it is.
pub fn defined<T>(verdict: &T) {
    request(MAKE_MEM_DEFINED, std::ptr::from_ref(verdict).expose_provenance(), size_of::<T>());
}

/// Tells whether this process runs under valgrind.
pub fn answered() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) != 0
}

const RUNNING_ON_VALGRIND: usize = 0x1001;
const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;

#[expect(unsafe_code, reason = "valgrind knows a request by its instructions, which no safe code spells")]
fn request(code: usize, address: usize, length: usize) -> usize {
    let arguments = [code, address, length, 0, 0, 0];
    let mut answer = 0;
    // SAFETY: the rotations add up to 128 bits and leave `rdi` as it was, the exchange is one of a register with itself.
    // Valgrind reads the six words at `rax`, which outlive the sequence, and writes the answer to `rdx`; it changes no
    // byte of the program's memory, only what it knows about the bytes.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") arguments.as_ptr(), inout("rdx") answer, inout("rdi") 0_usize => _, options(nostack),
        );
    }
    answer
}
