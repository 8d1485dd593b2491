//! The door's firmware for an STM32F405 (Cortex-M4): a thin shell around the library.
//!
//! Lines come in over USART1 (PA10, 115,200 baud) and are answered with one letter (PA9); PC12 drives the bolt. Another board
//! needs another [`Uart`], [`Bolt`] and memory layout, or those of its HAL.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::{entry, exception};
use embedded_door::{Answer, Clock, Door, LineError, Lines, Monotonic, TOKEN_LEN};
use embedded_io::{ErrorType, Read};
use heapless::Vec;
use l402_core::{MasterKey, Msat, Name, Offer};
use stm32f4::stm32f405::{GPIOA, GPIOC, Peripherals, USART1};

include!(concat!(env!("OUT_DIR"), "/provisioned.rs"));

/// The epoch of the seller's master key.
const EPOCH: u32 = 0;

/// The service that tokens must name.
const SERVICE: &str = "door";

/// For how many seconds the bolt stays drawn.
const OPEN_SECONDS: u32 = 3;

/// The longest line: a credential whose token fills its buffer.
const LINE_LEN: usize = 512;

/// The internal oscillator, on which the chip runs after a reset.
const CLOCK_HZ: u32 = 16_000_000;

/// Half-seconds since power-on: the system timer has 24 bits, which are not enough for a whole one.
static HALF_SECONDS: AtomicU32 = AtomicU32::new(0);

#[entry]
fn main() -> ! {
    static mut LINE: [u8; LINE_LEN] = [0; LINE_LEN];
    static mut TOKEN: [u8; TOKEN_LEN] = [0; TOKEN_LEN];
    static mut DOOR: Vec<Door<fn() -> u64>, 1> = Vec::new(); // takes no flash, as an empty option would
    if let (Some(core), Some(chip)) = (cortex_m::Peripherals::take(), Peripherals::take()) {
        start_timer(core.SYST);
        chip.RCC.ahb1enr().write(|w| w.gpioaen().enabled().gpiocen().enabled());
        chip.RCC.apb2enr().write(|w| w.usart1en().enabled());
        let uart = Uart::new(chip.USART1, &chip.GPIOA);
        let bolt = Bolt::new(chip.GPIOC);
        if let Some(door) = hang(DOOR) {
            watch(door, Lines::new(uart, LINE), &bolt, TOKEN);
        }
    }
    SCB::sys_reset()
}

/// Builds the door in its place. Not inlined, so that what it takes of the stack is given back.
#[inline(never)]
fn hang(place: &mut Vec<Door<fn() -> u64>, 1>) -> Option<&mut Door<fn() -> u64>> {
    let service = Name::new(SERVICE).ok()?;
    let offer = Offer::new(service, Msat::new(0));
    place.push(Door::new(EPOCH, &MasterKey::from_bytes(MASTER_KEY), offer, Clock::new(seconds, FLOOR))).ok()?;
    place.first_mut()
}

/// Answers line after line.
fn watch<M: Monotonic>(door: &mut Door<M>, mut lines: Lines<'_, Uart>, bolt: &Bolt, token: &mut [u8]) {
    loop {
        let answer = match lines.next_line() {
            Ok(line) => door.hear(line, token),
            Err(LineError::TooLong) => Answer::Malformed,
            Err(LineError::End) => return,
        };
        lines.transport().say(answer.letter());
        if answer.opens() {
            bolt.draw();
            let drawn = HALF_SECONDS.load(Ordering::Relaxed);
            while HALF_SECONDS.load(Ordering::Relaxed).wrapping_sub(drawn) <= 2 * OPEN_SECONDS {
                cortex_m::asm::wfi();
            }
            bolt.shut();
        }
    }
}

fn seconds() -> u64 {
    u64::from(HALF_SECONDS.load(Ordering::Relaxed) / 2)
}

fn start_timer(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(CLOCK_HZ / 2 - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

#[exception]
fn SysTick() {
    HALF_SECONDS.store(HALF_SECONDS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed); // the one writer
}

/// A reset shuts the bolt and forgets the time.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}

/// The transport. A byte that is lost makes a line that is refused.
struct Uart(USART1);

impl Uart {
    fn new(usart: USART1, port: &GPIOA) -> Self {
        port.moder().modify(|_, w| w.moder9().alternate().moder10().alternate());
        port.afrh().modify(|_, w| w.afrh9().af7().afrh10().af7());
        usart.brr().write(|w| w.div_mantissa().set(8).div_fraction().set(11)); // 16 MHz / (16 × 8 11/16) = 115,108
        usart.cr1().write(|w| w.ue().enabled().te().enabled().re().enabled());
        Self(usart)
    }

    #[inline(never)] // in the caller's loop it takes more flash
    fn say(&self, letter: u8) {
        for byte in [letter, b'\n'] {
            while self.0.sr().read().txe().bit_is_clear() {}
            self.0.dr().write(|w| w.dr().set(byte.into()));
        }
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(place) = buffer.first_mut() else { return Ok(0) };
        while self.0.sr().read().rxne().bit_is_clear() {}
        let [_, byte] = self.0.dr().read().dr().bits().to_be_bytes();
        *place = byte;
        Ok(1)
    }
}

/// The pin that drives the bolt.
struct Bolt(GPIOC);

impl Bolt {
    fn new(port: GPIOC) -> Self {
        port.moder().modify(|_, w| w.moder12().output());
        Self(port)
    }

    fn draw(&self) {
        self.0.bsrr().write(|w| w.bs12().set_bit());
    }

    fn shut(&self) {
        self.0.bsrr().write(|w| w.br12().set_bit());
    }
}
