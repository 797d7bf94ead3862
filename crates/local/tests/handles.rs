//! Handles of the threaded interface at their edges: the longest timeouts, devices that are gone, hosts that have ended.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use host::storage::Policy;
use host::{
    Backend, Bulk, EndpointAddress, Engine, EngineOptions, Error, Host, In, Instant, Pumped, Setup,
    TransferError,
};
use local::Local;
use volmem::DmaPool;
use xhci_hal::Mmio;

const SHORT: Duration = Duration::from_secs(2);
const BULK_IN: EndpointAddress = EndpointAddress(0x81);

type Job = Box<dyn FnOnce(&mut Local) + Send>;

/// What is to happen on the engine's thread the next time it looks at its controller.
#[derive(Clone, Default)]
struct Jobs {
    job: Arc<Mutex<Option<Job>>>,
    waker: Arc<Mutex<Option<Waker>>>,
    /// The controller was halted when it was let go.
    halted: Arc<AtomicBool>,
}

impl Jobs {
    fn put(&self, job: impl FnOnce(&mut Local) + Send + 'static) {
        *self.job.lock().unwrap() = Some(Box::new(job));
        self.waker.lock().unwrap().as_ref().unwrap().wake_by_ref();
    }

    /// Holds the engine's thread until what is returned is dropped.
    fn hold(&self) -> Sender<()> {
        let (held, is_held) = channel();
        let (hold, until) = channel::<()>();
        self.put(move |_| {
            held.send(()).unwrap();
            assert!(until.recv().is_err(), "it ends with its sender");
        });
        is_held.recv().unwrap();
        hold
    }
}

/// A controller on which something can be made to happen.
struct Prepared {
    local: Local,
    jobs: Jobs,
}

impl Prepared {
    fn new(devices: &[&str], jobs: Jobs) -> Self {
        let devices = devices.iter().map(|device| device.parse().unwrap());
        let setup = local::Setup {
            devices: devices.collect(),
            ..local::Setup::default()
        };
        let local = Local::new(setup).unwrap();
        *jobs.waker.lock().unwrap() = Some(local.waker());
        Self { local, jobs }
    }
}

impl Backend for Prepared {
    type Mmio = <Local as Backend>::Mmio;

    fn mmio(&self) -> Self::Mmio {
        self.local.mmio()
    }

    fn dma(&self) -> DmaPool {
        self.local.dma()
    }

    fn interrupters(&self) -> u16 {
        self.local.interrupters()
    }

    fn now(&self) -> Instant {
        self.local.now()
    }

    fn pump(&mut self, now: Instant) -> Pumped {
        let job = self.jobs.job.lock().unwrap().take();
        if let Some(job) = job {
            job(&mut self.local);
        }
        self.local.pump(now)
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.local.wait(until);
    }

    fn waker(&self) -> Waker {
        self.local.waker()
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let mmio = self.local.mmio();
        // USBSTS stands 4 bytes into the operational registers, and HCHalted is its bit 0. xHCI 1.2 §5.4.2.
        let operational = mmio.read32(0) & 0xff;
        let halted = mmio.read32(operational + 4) & 1 == 1;
        self.jobs.halted.store(halted, Ordering::SeqCst);
    }
}

fn prepared(devices: &[&'static str]) -> (Host, Jobs) {
    let jobs = Jobs::default();
    let (devices, theirs) = (devices.to_vec(), jobs.clone());
    let open = move || Ok::<_, std::io::Error>(Prepared::new(&devices, theirs));
    let host = Host::spawn(EngineOptions::default(), open).unwrap();
    host.wait_settled(Duration::MAX).unwrap();
    (host, jobs)
}

fn pull_first(local: &mut Local) {
    let first = local.locations().next().unwrap();
    local.detach(first).unwrap();
}

#[test]
fn the_longest_timeout_is_no_timeout() {
    let host = support::host(&["disk:size=1M"]);
    host.wait_settled(Duration::MAX).unwrap();
    let device = &host.devices()[0];
    assert!(device.string(1, Duration::MAX).unwrap().is_some());
    let interface = device.interface(0).unwrap();
    let mut bulk_in = interface.endpoint::<Bulk, In>(BULK_IN).unwrap();
    assert!(
        bulk_in.next_complete(Duration::MAX).is_none(),
        "nothing is pending"
    );
}

#[test]
fn everything_that_is_asked_of_a_device_that_was_pulled_out_says_so() {
    let (host, jobs) = prepared(&["disk:size=1M"]);
    let watch = host.watch();
    let device = host.devices().remove(0);
    let interface = device.interface(0).unwrap();
    let mut bulk_in = interface.endpoint::<Bulk, In>(BULK_IN).unwrap();
    let buffer = bulk_in.allocate(512).unwrap();
    jobs.put(pull_first);
    assert!(watch.next(SHORT).is_some(), "it is gone");
    let errors = [
        interface.set_alternate(0).unwrap_err(),
        bulk_in.clear_halt().unwrap_err(),
        device.reset().unwrap_err(),
        device.open_disk(Policy::default()).map(drop).unwrap_err(),
        device.interface(0).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::NoDevice { .. }), "{error}");
    }
    bulk_in.submit(buffer);
    let completion = bulk_in.next_complete(SHORT).unwrap();
    assert_eq!(completion.status, Err(TransferError::Disconnected));
}

#[test]
fn a_setting_that_was_chosen_is_known_to_the_next_handle() {
    let (host, _jobs) = prepared(&["hub:mtt"]);
    let device = || {
        let mut all = host.devices().into_iter();
        all.find(|device| {
            let interface = device
                .info()
                .configuration()
                .and_then(|all| all.interface(0));
            interface.is_some_and(|interface| interface.alternates().count() == 2)
        })
        .expect("a hub that can have a translator for each port")
    };
    let watch = host.watch();
    for setting in [0, 1, 0] {
        let interface = device().interface(0).unwrap();
        interface.set_alternate(setting).unwrap();
        let known = device().info().alternates.get(&0).copied();
        assert_eq!(known.unwrap_or(0), setting);
    }
    let event = watch.next(Duration::from_millis(20));
    assert!(event.is_none(), "{event:?}");
}

#[test]
fn what_is_asked_for_behind_a_shutdown_comes_back_with_its_buffer() {
    let (host, jobs) = prepared(&["disk:size=1M,pattern", "disk:size=1M"]);
    let devices = host.devices();
    let mut disk = devices[0].open_disk(Policy::default()).unwrap();
    let interface = devices[1].interface(0).unwrap();
    let mut bulk_in = interface.endpoint::<Bulk, In>(BULK_IN).unwrap();
    let hold = jobs.hold();
    let buffer = disk.allocate(4096).unwrap();
    disk.submit_read(0, buffer, 4096).unwrap();
    let ending = std::thread::spawn(move || host.shutdown());
    // Long enough for the command to be on its way; if it is not, what follows ends otherwise, but has its buffers all the same.
    std::thread::sleep(Duration::from_millis(50));
    for _ in 0..2 {
        let buffer = disk.allocate(512).unwrap();
        disk.submit_read(0, buffer, 512).unwrap();
        bulk_in.submit(bulk_in.allocate(512).unwrap());
    }
    drop(hold);
    ending.join().unwrap().unwrap();
    for length in [4096, 512, 512] {
        let done = disk.next_done().expect("it ends");
        assert!(done.result.is_err());
        assert_eq!(done.buffer.map(|buffer| buffer.len()), Some(length));
    }
    for _ in 0..2 {
        let completion = bulk_in.next_complete(SHORT).expect("it comes back");
        assert!(completion.status.is_err());
    }
    assert_eq!(bulk_in.pending(), 0);
    assert!(jobs.halted.load(Ordering::SeqCst));
}

#[test]
fn an_engine_that_panics_leaves_nobody_waiting() {
    let (host, jobs) = prepared(&["disk:size=1M"]);
    let device = host.devices().remove(0);
    let interface = device.interface(0).unwrap();
    let mut bulk_in = interface.endpoint::<Bulk, In>(BULK_IN).unwrap();
    let buffer = bulk_in.allocate(512).unwrap();
    let watch = host.watch();
    jobs.put(|_| panic!("this is what the test is about"));
    while watch.next(SHORT).is_some() {}
    let error = host.wait_settled(Duration::MAX).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert!(host.devices().is_empty());
    bulk_in.submit(buffer);
    let completion = bulk_in.next_complete(SHORT).expect("it comes back");
    assert_eq!(completion.status, Err(TransferError::ControllerDead));
    let error = device.control_in(Setup::get_configuration(), SHORT);
    assert!(matches!(error, Err(Error::Stopped)));
    assert!(
        jobs.halted.load(Ordering::SeqCst),
        "nothing is read any more"
    );
}

#[test]
fn an_engine_that_is_dropped_halts_its_controller() {
    let jobs = Jobs::default();
    let prepared = Prepared::new(&["keyboard"], jobs.clone());
    let mut engine = Engine::new(prepared, EngineOptions::default()).unwrap();
    let up = engine.run_until(Some(SHORT), |engine| engine.devices().next().map(drop));
    assert!(up.is_some(), "it runs");
    drop(engine);
    assert!(jobs.halted.load(Ordering::SeqCst));
}
