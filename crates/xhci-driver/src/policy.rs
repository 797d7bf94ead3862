use core::time::Duration;

/// The knobs that a quirk or a user may turn; the default keeps the letter of xHCI 1.2 with mainstream drivers' patience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long firmware may take to give the controller up before it is taken. xHCI 1.2 §4.22.1 says 1 s.
    pub handoff_timeout: Duration,
    /// Take the controller at once, without waiting for firmware: some never answer (TI 8241, Renesas 0014 in Linux).
    pub handoff_force: bool,
    /// How long a running controller may take to halt: xHCI 1.2 §5.4.1.1 says 16 ms; slow ones need ten times that.
    pub halt_timeout: Duration,
    /// How long HCRST may stay set, and CNR after it (Linux waits 10 s).
    pub reset_timeout: Duration,
    /// A pause after HCRST before any register is touched (Intel: 1 ms, or the machine hangs).
    pub reset_settle: Duration,
    /// How long a command may take before it is aborted (Linux: 5 s).
    pub command_timeout: Duration,
    /// How long CRR may stay set after an abort before the controller is given up for dead (xHCI 1.2 §4.6.1.2: 5 s).
    pub abort_timeout: Duration,
    /// How often each address assignment is tried.
    pub address_attempts: u8,
    /// How often a failed enumeration of a port is begun again from its reset.
    pub enumeration_attempts: u8,
    /// How often a transfer that met a transaction error is retried softly (xHCI 1.2 §4.6.8.1); 0 for controllers that hang on it.
    pub soft_retries: u8,
    /// How long Stop Endpoint is repeated when it finds the endpoint not yet running.
    pub stop_retry_window: Duration,
    /// Largest address the controller may be given beyond what AC64 says: 2^bits - 1. VL805: 36.
    pub dma_bits: u8,
    /// Treat the controller as 32-bit although AC64 is set (ASMedia 1142 and others).
    pub ignore_ac64: bool,
    /// Write the high half of 64-bit registers first.
    pub high_half_first: bool,
    /// Clear IMAN.IP with every batch of events: needed with INTx, and by controllers that do not clear it with the message they send
    /// (VL805). xHCI 1.2 §4.17.5, §5.5.2.1.
    pub clear_interrupt_pending: bool,
    /// Interrupt moderation in units of 250 ns. 160 is 40 µs, as Linux.
    pub moderation: u16,
    /// TRBs in a ring segment, its Link included: a multiple of 16, at most 4096.
    pub segment_trbs: u16,
    /// Segments a transfer ring may grow to.
    pub segments_max: u8,
    /// Segments of each event ring.
    pub event_segments: u16,
    /// Interval field above which periodic endpoints misbehave; 15 for none.
    pub interval_max: u8,
    /// How long devices that have power may take to show themselves before the start counts as settled. USB 2.0 §7.1.7.3 (TSIGATT): 100 ms.
    pub attach_wait: Duration,
    /// Debounce after a connection before the port is reset. USB 2.0 §7.1.7.3: 100 ms.
    pub debounce: Duration,
    /// How long a USB3 link may take to train before it is reset warm. USB 3.2 allows it 360 ms in Polling (unchecked).
    pub training_timeout: Duration,
    /// How long resume is signalled on a USB2 port. USB 2.0 §7.1.7.7: at least 20 ms.
    pub resume_signalling: Duration,
    /// How long a port reset may take. USB 2.0 §7.1.7.5: 50 ms nominal.
    pub port_reset_timeout: Duration,
    /// Rest after a reset before the device is spoken to. USB 2.0 §7.1.7.5 (TRSTRCY): 10 ms.
    pub reset_recovery: Duration,
    /// Rest after SET_ADDRESS. USB 2.0 §9.2.6.3: 2 ms.
    pub address_recovery: Duration,
    /// How long a control transfer of the enumeration may take. USB 2.0 §9.2.6.4: 5 s.
    pub control_timeout: Duration,
    /// How often a port that is on its way somewhere is looked at although no event came.
    pub port_look: Duration,
    /// How often a register that is to change is looked at.
    pub register_poll: Duration,
    /// How often memory is looked at without an interrupt while something is under way, so that a lost one costs time and not the transfer.
    pub watchdog: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            handoff_timeout: Duration::from_secs(1),
            handoff_force: false,
            halt_timeout: Duration::from_millis(32),
            reset_timeout: Duration::from_secs(10),
            reset_settle: Duration::ZERO,
            command_timeout: Duration::from_secs(5),
            abort_timeout: Duration::from_secs(5),
            address_attempts: 3,
            enumeration_attempts: 3,
            soft_retries: 3,
            stop_retry_window: Duration::from_millis(100),
            dma_bits: 64,
            ignore_ac64: false,
            high_half_first: false,
            clear_interrupt_pending: false,
            moderation: 160,
            segment_trbs: 256,
            segments_max: 8,
            event_segments: 2,
            interval_max: 15,
            attach_wait: Duration::from_millis(100),
            debounce: Duration::from_millis(100),
            training_timeout: Duration::from_millis(500),
            resume_signalling: Duration::from_millis(20),
            port_reset_timeout: Duration::from_millis(500),
            reset_recovery: Duration::from_millis(10),
            address_recovery: Duration::from_millis(2),
            control_timeout: Duration::from_secs(5),
            port_look: Duration::from_millis(20),
            register_poll: Duration::from_millis(1),
            watchdog: Duration::from_millis(100),
        }
    }
}
