use core::time::Duration;

use renesas_spec::registers::{
    DownloadControl, MAGIC_ROM, Mailbox, ResultCode, RomConfiguration, RomControl,
};
use renesas_spec::rom_part::WorstTimes;
use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use super::{Next, Turn, must_be_stopped};
use crate::card::{Card, ControllerStatus};
use crate::limits::Limits;
use crate::pace::Pace;
use crate::{Error, RomRow, RomTable, Wait};

/// Waits until the ROM engine has nothing left to do; every job begins with it.
///
/// Access that somebody left set is cleared first. That may end a write, which then takes its time until there is a result; an
/// engine that was only read from never gives one, so the end of that time is no error.
#[derive(Debug, Default)]
pub(super) struct Settling {
    since: Option<Instant>,
    closed: bool,
}

impl Settling {
    pub(super) fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        limits: &Limits,
        now: Instant,
    ) -> Turn<()> {
        let since = *self.since.get_or_insert(now);
        let control = card.rom()?;
        if control.access() {
            card.set_rom(RomControl::default())?;
            self.closed = true;
            return Ok(Next::Wait(Wait::Spin));
        }
        let unsure = self.closed && control.result() == ResultCode::NONE;
        if !control.busy() && !unsure {
            return Ok(Next::Ready(()));
        }
        let limit = limits
            .rom_end()
            .max(limits.erase_chip() * u32::from(control.erase()));
        match Pace::from(since).wait(now, limit) {
            Ok(wait) => Ok(Next::Wait(wait)),
            Err(_) if !control.busy() => Ok(Next::Ready(())),
            Err(waited) => Err(Error::RomBusy {
                waited,
                control: control.bits(),
            }),
        }
    }
}

/// Opens the ROM: checks, parameter, magic number, access. R19UH0078EJ §7.1 (unchecked), steps 1 to 4 of the ROM write.
#[derive(Debug)]
pub(super) struct Opening {
    state: State,
    row: Option<RomRow>,
}

#[derive(Debug)]
enum State {
    Check,
    Settle(Settling),
    Parameter,
    Open,
    Result { since: Instant },
}

/// What is known of the ROM once it is open.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) row: RomRow,
    pub(super) limits: Limits,
}

impl Opening {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Check,
            row: None,
        }
    }

    /// Whether Access may be set by now.
    pub(super) const fn touched(&self) -> bool {
        matches!(self.state, State::Result { .. })
    }

    /// Everything up to the parameter; the ROM is not accessed yet, but the chip knows how to.
    pub(super) fn prepare<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        table: &RomTable,
        now: Instant,
    ) -> Turn<Opened> {
        match &mut self.state {
            State::Check => {
                must_be_stopped(card)?;
                if card.download()?.enable() {
                    card.set_download(DownloadControl::default())?;
                }
                if !card.rom()?.exists() {
                    return Err(Error::NoRom);
                }
                let id = card.rom_id()?;
                let row = table.find(id).ok_or(Error::UnknownRom { id })?;
                self.row = Some(row.clone());
                self.state = State::Settle(Settling::default());
                Ok(Next::Wait(Wait::Spin))
            }
            State::Settle(settling) => {
                // Whoever was here before us may have let the chip programme byte by byte.
                let limits = self.row.as_ref().map_or(Limits::NO_ROM, |row| {
                    Limits::of(row.worst, RomConfiguration::default())
                });
                if let Next::Wait(wait) = settling.poll(card, &limits, now)? {
                    return Ok(Next::Wait(wait));
                }
                self.state = State::Parameter;
                Ok(Next::Wait(Wait::Spin))
            }
            State::Parameter | State::Open | State::Result { .. } => self.parameter(card),
        }
    }

    /// Tells the chip which ROM it has. It does not know by itself: the register is 0 after power-on, whatever the part.
    fn parameter<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
    ) -> Turn<Opened> {
        let Some(row) = self.row.clone() else {
            return Err(Error::NoRom);
        };
        card.set_parameter(row.parameter)?;
        let read = card.parameter()?;
        if read != row.parameter {
            return Err(Error::ParameterRefused {
                written: row.parameter.bits(),
                read: read.bits(),
            });
        }
        let limits = Limits::of(row.worst, row.parameter);
        self.state = State::Open;
        Ok(Next::Ready(Opened { row, limits }))
    }

    /// Opens the ROM for reading or writing.
    pub(super) fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        table: &RomTable,
        now: Instant,
    ) -> Turn<Opened> {
        /// The result is cleared by setting Access; this is for chips that need a moment.
        const LIMIT: Duration = Duration::from_millis(500);
        match self.state {
            State::Open => {
                card.set_data(Mailbox::Zero, MAGIC_ROM)?;
                card.set_rom(RomControl::default().with_access(true))?;
                self.state = State::Result { since: now };
                Ok(Next::Wait(Wait::Spin))
            }
            State::Result { since } => {
                let control = card.rom()?;
                let row = self.row.clone().ok_or(Error::NoRom)?;
                if control.access() && control.result() == ResultCode::NONE {
                    let limits = Limits::of(row.worst, row.parameter);
                    return Ok(Next::Ready(Opened { row, limits }));
                }
                let refused = |_| Error::NoAccess {
                    control: control.bits(),
                };
                let wait = Pace::from(since).wait(now, LIMIT).map_err(refused)?;
                Ok(Next::Wait(wait))
            }
            State::Check | State::Settle(_) | State::Parameter => {
                match self.prepare(card, table, now)? {
                    Next::Wait(wait) => Ok(Next::Wait(wait)),
                    Next::Ready(_) => Ok(Next::Wait(Wait::Spin)),
                }
            }
        }
    }
}

/// Closes the ROM after a failure and waits for its engine, so that whoever comes next finds it idle.
#[derive(Debug)]
pub(super) struct Closing {
    error: Option<Error>,
    /// A write was under way, so there will be a result.
    wrote: bool,
    limits: Limits,
    since: Option<Instant>,
}

impl Closing {
    /// After a write, which ends within these limits.
    pub(super) const fn after_write(error: Error, limits: Limits) -> Self {
        Self {
            error: Some(error),
            wrote: true,
            limits,
            since: None,
        }
    }

    /// After something that leaves the engine idle.
    pub(super) const fn after_read(error: Error) -> Self {
        Self {
            error: Some(error),
            wrote: false,
            limits: Limits::NO_ROM,
            since: None,
        }
    }

    /// Ready with the error that it began with; what fails while closing is not told, the first reason is the better one.
    pub(super) fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Next<Error> {
        let over =
            |error: &mut Option<Error>| Next::Ready(error.take().unwrap_or(Error::Cancelled));
        let gone = matches!(self.error, Some(Error::Gone { .. } | Error::Config(_)));
        let since = match self.since {
            Some(since) => since,
            None => {
                // Cleared also on a card that seems to have gone: it may have been one bad read.
                let closed = card.set_rom(RomControl::default());
                if closed.is_err() || gone || !self.wrote {
                    return over(&mut self.error);
                }
                self.since = Some(now);
                now
            }
        };
        let Ok(control) = card.rom() else {
            return over(&mut self.error);
        };
        if !control.busy() && control.result() != ResultCode::NONE {
            return over(&mut self.error);
        }
        match Pace::from(since).wait(now, self.limits.rom_end()) {
            Ok(wait) => Next::Wait(wait),
            Err(_) => over(&mut self.error),
        }
    }
}

/// Limits for a ROM that nobody may know: the slowest there is.
pub(super) fn limits_of<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
    card: &Card<'_, C, S>,
    table: &RomTable,
) -> Result<Limits, Error> {
    if !card.rom()?.exists() {
        return Ok(Limits::NO_ROM);
    }
    let worst = table
        .find(card.rom_id()?)
        .map_or(WorstTimes::LARGE_SECTORS, |row| row.worst);
    Ok(Limits::of(worst, RomConfiguration::default()))
}
