//! A device that always has a packet to send, and a controller that carries out commands.

use host::{Buffer, ClientId, EndpointAddress, EndpointKey, Engine, Notice, Speed, Submission};
use local::Local;
use usb_model::device::{Zero, ZeroOptions};

/// A packet of a high-speed bulk endpoint. USB 2.0 §5.8.3.
pub const PACKET: usize = 512;

/// The source's endpoint: EP 1 IN.
const SOURCE: EndpointAddress = EndpointAddress(0x81);

/// How many transfers may be under way at once.
const DEPTH_MAX: usize = 32;

/// A high-speed source behind driver and model.
#[derive(Debug)]
pub struct SourceRig {
    engine: Engine<Local>,
    client: ClientId,
    endpoint: EndpointKey,
    buffers: Vec<Buffer>,
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Default for SourceRig {
    fn default() -> Self {
        Self::new()
    }
}

impl SourceRig {
    /// The rig, enumerated.
    ///
    /// # Panics
    /// When the device is not found.
    #[must_use]
    pub fn new() -> Self {
        let mut engine = crate::engine(crate::setup());
        plug(&mut engine);
        let attached = |engine: &mut Engine<Local>| match engine.poll_notice()? {
            Notice::Attached { slot, .. } => Some(slot),
            _ => None,
        };
        let slot = engine.run_until(Some(crate::START_LIMIT), attached);
        let device = engine.device(slot.expect("it is found"));
        let endpoint = device.and_then(|device| device.key(SOURCE));
        let buffers = (0..DEPTH_MAX).map(|_| engine.pool().allocate(PACKET));
        let buffers = buffers.collect::<Result<_, _>>().expect("buffers");
        Self {
            client: engine.client(),
            endpoint: endpoint.expect("EP 1 IN"),
            engine,
            buffers,
            from: (0..=255).cycle().take(PACKET).collect(),
            to: vec![0; PACKET],
        }
    }

    /// So many No Op commands, one after the other.
    ///
    /// # Panics
    /// When one fails.
    pub fn no_ops(&mut self, count: usize) {
        let client = self.client;
        for _ in 0..count {
            let id = self.engine.no_op(client);
            let answer = self
                .engine
                .run_until(None, |engine| engine.poll_operation(client));
            assert_eq!(answer, Some((id, Ok(()))));
        }
    }

    /// So many transfers of one packet, `depth` of them under way at once.
    ///
    /// # Panics
    /// When one fails, or `depth` is more than 32.
    pub fn transfers(&mut self, count: usize, depth: usize) {
        let (mut begun, mut ended) = (0, 0);
        let client = self.client;
        while ended < count {
            while begun < count && begun - ended < depth {
                let buffer = self.buffers.pop().expect("no more than there are buffers");
                let submission = Submission {
                    endpoint: self.endpoint,
                    setup: None,
                    buffer: Some(buffer),
                    length: PACKET,
                    deadline: None,
                };
                self.engine.submit(client, submission);
                begun += 1;
            }
            let done = self
                .engine
                .run_until(None, |engine| engine.poll_done(client));
            let done = done.expect("without a limit, it waits");
            assert_eq!((done.bytes, done.status), (PACKET, Ok(())));
            self.buffers.extend(done.buffer);
            ended += 1;
        }
    }

    /// So many copies of as many bytes as a packet has.
    pub fn copies(&mut self, count: usize) {
        for _ in 0..count {
            let from = std::hint::black_box(&self.from[..]);
            std::hint::black_box(&mut self.to[..]).copy_from_slice(from);
        }
    }
}

/// Plugs the source into the first free port that fits. It has no medium, so the backend need not know it.
fn plug(engine: &mut Engine<Local>) {
    let options = ZeroOptions::default();
    assert_eq!(options.speed, Speed::High);
    let now = engine.now();
    let attached = engine.backend_mut().with_model(|model| {
        let port = model.options().ports_for(options.speed).next();
        model.attach(port.expect("a port"), Box::new(Zero::new(&options)), now)
    });
    attached.expect("it fits");
}
