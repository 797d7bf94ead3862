//! The threaded interface on the model, on the real clock.

mod support;

use std::time::Duration;

use host::keyboard::KeyboardEvent;
use host::storage::{DiskError, Policy};
use host::{Bulk, EndpointAddress, Error, Event, In, Interrupt, Out, Setup, TransferError};
use support::{host, pattern};

const SHORT: Duration = Duration::from_secs(2);
const BULK_IN: EndpointAddress = EndpointAddress(0x81);
const BULK_OUT: EndpointAddress = EndpointAddress(0x02);

#[test]
fn strings_and_descriptors_come_from_the_device() {
    let host = host(&["disk:size=1M,speed=high"]);
    let device = &host.devices()[0];
    let product = device.info().descriptor.product_string;
    assert_eq!(
        device.string(product, SHORT).unwrap().as_deref(),
        Some("Disk")
    );
    assert_eq!(device.string(0, SHORT).unwrap(), None);
    let bytes = device
        .control_in(Setup::get_configuration(), SHORT)
        .unwrap();
    assert_eq!(bytes, [1]);
    host.shutdown().unwrap();
}

#[test]
fn a_request_that_the_device_does_not_know_is_a_stall_and_the_next_one_works() {
    let host = host(&["disk:size=1M"]);
    let device = &host.devices()[0];
    let error = device.string(77, SHORT).unwrap_err();
    assert!(
        matches!(error, Error::Transfer(TransferError::Stall)),
        "{error}"
    );
    assert_eq!(
        device.control_in(Setup::get_max_lun(0), SHORT).unwrap(),
        [0]
    );
    let wrong_way = device
        .control_out(Setup::get_max_lun(0), &[], SHORT)
        .unwrap_err();
    assert!(matches!(
        wrong_way,
        Error::Transfer(TransferError::BadRequest { .. })
    ));
}

#[test]
fn an_interface_and_its_endpoints_have_one_owner_at_a_time() {
    let host = host(&["disk:size=1M"]);
    let device = &host.devices()[0];
    let interface = device.interface(0).unwrap();
    assert!(matches!(device.interface(0), Err(Error::InUse { .. })));
    assert!(matches!(
        device.interface(1),
        Err(Error::NoInterface { number: 1 })
    ));
    let endpoint = interface.endpoint::<Bulk, In>(BULK_IN).unwrap();
    assert!(matches!(
        interface.endpoint::<Bulk, In>(BULK_IN),
        Err(Error::InUse { .. })
    ));
    assert!(matches!(
        interface.endpoint::<Interrupt, Out>(BULK_OUT),
        Err(Error::WrongEndpoint { .. })
    ));
    assert!(matches!(
        interface.endpoint::<Bulk, In>(EndpointAddress(0x83)),
        Err(Error::NoEndpoint { .. })
    ));
    drop((endpoint, interface));
    let interface = device.interface(0).unwrap();
    interface.endpoint::<Bulk, In>(BULK_IN).unwrap();
}

#[test]
fn a_scsi_inquiry_goes_over_bare_endpoints() {
    let host = host(&["disk:size=1M"]);
    let interface = host.devices()[0].interface(0).unwrap();
    let mut bulk_out = interface.endpoint::<Bulk, Out>(BULK_OUT).unwrap();
    let mut bulk_in = interface.endpoint::<Bulk, In>(BULK_IN).unwrap();
    let mut command = bulk_out.allocate(31).unwrap();
    command[..15].copy_from_slice(b"USBC\x01\0\0\0\x24\0\0\0\x80\0\x06");
    command[15] = 0x12;
    command[19] = 36;
    let sent = bulk_out.transfer(command, SHORT).unwrap();
    assert_eq!((sent.status, sent.actual_len), (Ok(()), 31));
    // Data and status are both asked for before either has come.
    bulk_in.submit(bulk_in.allocate(36).unwrap());
    bulk_in.submit(bulk_in.allocate(512).unwrap());
    assert_eq!(bulk_in.pending(), 2);
    let inquiry = bulk_in.next_complete(SHORT).unwrap();
    assert_eq!(&inquiry.data()[8..16], b"Doorbell");
    let status = bulk_in.next_complete(SHORT).unwrap();
    assert_eq!(status.data(), b"USBS\x01\0\0\0\0\0\0\0\0");
    assert_eq!(bulk_in.pending(), 0);
}

#[test]
fn transfers_that_wait_for_ever_come_back_when_they_are_cancelled() {
    let host = host(&["keyboard"]);
    let interface = host.devices()[0].interface(0).unwrap();
    let mut reports = interface.endpoint::<Interrupt, In>(BULK_IN).unwrap();
    // The keyboard says once that no key is held (its idle rate), and then never again.
    host.devices()[0]
        .control_out(Setup::set_idle(0, 0, 0), &[], SHORT)
        .unwrap();
    for _ in 0..3 {
        reports.submit(reports.allocate(8).unwrap());
    }
    while reports.next_complete(Duration::from_millis(100)).is_some() {}
    reports.submit(reports.allocate(8).unwrap());
    assert!(
        reports.next_complete(Duration::from_millis(20)).is_none(),
        "nobody types"
    );
    let pending = reports.pending();
    assert!(pending > 0);
    reports.cancel_all();
    for _ in 0..pending {
        let completion = reports.next_complete(SHORT).expect("the buffer comes back");
        assert_eq!(
            (completion.status, completion.buffer.len()),
            (Err(TransferError::Cancelled), 8)
        );
    }
    assert!(reports.next_complete(SHORT).is_none(), "nothing is pending");
    let late = reports
        .transfer(reports.allocate(8).unwrap(), Duration::from_millis(20))
        .unwrap();
    assert_eq!(late.status, Err(TransferError::TimedOut));
    reports.clear_halt().unwrap();
}

#[test]
fn a_stalled_endpoint_gives_everything_back_and_works_after_its_halt_is_cleared() {
    let host = host(&["disk:size=1M"]);
    let interface = host.devices()[0].interface(0).unwrap();
    let mut bulk_out = interface.endpoint::<Bulk, Out>(BULK_OUT).unwrap();
    // 31 bytes that are no command block wrapper: the disk stalls until it is reset.
    bulk_out.submit(bulk_out.allocate(31).unwrap());
    bulk_out.submit(bulk_out.allocate(31).unwrap());
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(
            bulk_out
                .next_complete(SHORT)
                .expect("the buffer comes back")
                .status,
        );
    }
    assert!(
        statuses.contains(&Err(TransferError::Stall)),
        "{statuses:?}"
    );
    drop(bulk_out);
    drop(interface);
    let device = &host.devices()[0];
    device.reset().unwrap();
    let mut disk = device.open_disk(Policy::default()).unwrap();
    let buffer = disk.allocate(512).unwrap();
    disk.read(0, buffer, 512).unwrap();
}

#[test]
fn a_disk_is_read_with_operations_queued_behind_each_other() {
    let host = host(&["disk:size=8M,pattern"]);
    let mut disk = host.devices()[0].open_disk(Policy::default()).unwrap();
    assert_eq!(disk.info().geometry.bytes(), 8 << 20);
    for index in 0..8u64 {
        let buffer = disk.allocate(1 << 20).unwrap();
        disk.submit_read(index << 20, buffer, 1 << 20).unwrap();
    }
    for index in 0..8usize {
        let done = disk.next_done().unwrap();
        done.result.unwrap();
        assert!(
            *done.buffer.unwrap() == pattern(index << 20, 1 << 20),
            "MiB {index} is wrong"
        );
    }
    assert!(disk.next_done().is_none());
    let mut buffer = disk.allocate(4096).unwrap();
    buffer.fill(0xa5);
    let buffer = disk.write(8192, buffer, 4096).unwrap();
    disk.flush().unwrap();
    drop(buffer);
    let buffer = disk.allocate(8192).unwrap();
    let buffer = disk.read(8192, buffer, 8192).unwrap();
    assert!(buffer[..4096].iter().all(|byte| *byte == 0xa5));
    assert!(buffer[4096..] == pattern(12288, 4096));
    host.shutdown().unwrap();
    let done = disk.next_done();
    assert!(done.is_none(), "nothing is pending after the end");
}

#[test]
fn a_keyboard_is_heard_and_a_disk_works_beside_it() {
    let host = host(&["disk:size=4M,pattern", "keyboard:text=Both."]);
    let devices = host.devices();
    let keyboard = devices
        .iter()
        .find_map(|device| device.open_keyboard().ok())
        .expect("a keyboard");
    let mut disk = devices
        .iter()
        .find_map(|device| device.open_disk(Policy::default()).ok())
        .expect("a disk");
    let mut typed = String::new();
    while typed != "Both." {
        let buffer = disk.allocate(1 << 20).unwrap();
        disk.read(1 << 20, buffer, 1 << 20).unwrap();
        match keyboard.next_event(SHORT).expect("a key") {
            KeyboardEvent::Key(key) => typed.extend(key.text),
            KeyboardEvent::Ended(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_disk_that_is_pulled_out_is_told_to_its_user_and_to_those_who_watch() {
    let host = host(&["disk:size=8M,pattern,unplug=4M"]);
    let watch = host.watch();
    let device = host.devices().remove(0);
    let mut disk = device.open_disk(Policy::default()).unwrap();
    let buffer = disk.allocate(8 << 20).unwrap();
    disk.submit_read(0, buffer, 8 << 20).unwrap();
    let done = disk.next_done().unwrap();
    assert!(
        matches!(done.result, Err(Error::Disk(DiskError::Gone))),
        "{:?}",
        done.result
    );
    assert!(
        done.buffer.is_some() && done.bytes == 4 << 20,
        "{} bytes",
        done.bytes
    );
    let event = watch.next(SHORT);
    assert!(matches!(event, Some(Event::Detached(_))), "{event:?}");
    assert!(host.devices().is_empty());
    let error = device
        .control_in(Setup::get_configuration(), SHORT)
        .unwrap_err();
    assert!(matches!(error, Error::NoDevice { .. }), "{error}");
}

#[test]
fn handles_that_outlive_the_host_say_so_and_lose_no_buffer() {
    let host = host(&["disk:size=1M"]);
    let device = host.devices().remove(0);
    let interface = device.interface(0).unwrap();
    let mut bulk_in = interface.endpoint::<Bulk, In>(BULK_IN).unwrap();
    bulk_in.submit(bulk_in.allocate(512).unwrap());
    host.shutdown().unwrap();
    let completion = bulk_in.next_complete(SHORT).expect("the buffer comes back");
    assert!(completion.status.is_err());
    bulk_in.submit(completion.buffer);
    let completion = bulk_in.next_complete(SHORT).expect("the buffer comes back");
    assert_eq!(completion.status, Err(TransferError::ControllerDead));
    assert!(matches!(device.reset(), Err(Error::Stopped)));
}

#[test]
fn dropping_the_last_handle_ends_the_thread() {
    let host = host(&["keyboard"]);
    let device = host.devices().remove(0);
    let watch = host.watch();
    drop(host);
    assert!(watch.next(Duration::from_millis(20)).is_none());
    device
        .control_in(Setup::get_configuration(), SHORT)
        .expect("a device keeps the host alive");
    drop(device);
    // The drop has waited for the thread, which has told that the device is gone and closed the watch.
    let begin = std::time::Instant::now();
    while watch.next(Duration::from_secs(30)).is_some() {}
    assert!(begin.elapsed() < SHORT, "{:?}", begin.elapsed());
}

#[test]
fn a_controller_that_cannot_be_opened_says_why() {
    let options = host::EngineOptions::default();
    let setup = local::Setup::default().with_device("disk:/nonexistent.img".parse().unwrap());
    let error = host::Host::spawn(options, move || local::Local::new(setup)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("/nonexistent.img does not exist"),
        "{error}"
    );
}
