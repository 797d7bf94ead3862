//! The table of rooms: which layer each stands on and what it may import. This is the one place that says so.

use std::cmp::Ordering;

/// Where a room stands; a room may know only what stands lower, and of its own layer only what is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// L0: layouts, numbers, names. No behaviour.
    Data,
    /// L1: rings, memory, what a driver asks of the world.
    Mechanism,
    /// L2: driver, models, classes, checker; values without clock or thread.
    Core,
    /// L3: everything that touches the world.
    Edge,
    /// Not part of any product: test kit and tasks.
    Tool,
}

/// What a room may import.
#[derive(Clone, Copy, Debug)]
pub(crate) enum May {
    /// These rooms.
    Only(&'static [&'static str]),
    /// Every room of layers 0 to 2.
    BelowEdges,
    /// Every room but these.
    AllBut(&'static [&'static str]),
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: &'static str,
    pub(crate) layer: Layer,
    pub(crate) may: May,
}

const fn room(name: &'static str, layer: Layer, may: May) -> Room {
    Room { name, layer, may }
}

use Layer::{Core, Data, Edge, Mechanism, Tool};
use May::{AllBut, BelowEdges, Only};

/// All rooms, also those that a later change brings.
pub(crate) const ROOMS: &[Room] = &[
    room("usb-spec", Data, Only(&[])),
    room("xhci-spec", Data, Only(&[])),
    room("renesas-spec", Data, Only(&["xhci-spec"])),
    room("memory", Mechanism, Only(&["xhci-spec"])),
    room(
        "xhci-ring",
        Mechanism,
        Only(&["xhci-spec", "memory", "xhci-hal"]),
    ),
    room("xhci-hal", Mechanism, Only(&["xhci-spec", "memory"])),
    room(
        "xhci-driver",
        Core,
        Only(&["usb-spec", "xhci-spec", "memory", "xhci-ring", "xhci-hal"]),
    ),
    room("usb-class", Core, Only(&["usb-spec"])),
    room("usb-model", Core, Only(&["usb-spec", "memory"])),
    room(
        "xhci-model",
        Core,
        Only(&["usb-spec", "xhci-spec", "memory", "xhci-ring", "usb-model"]),
    ),
    room(
        "pci-model",
        Core,
        Only(&[
            "usb-spec",
            "xhci-spec",
            "renesas-spec",
            "memory",
            "xhci-ring",
            // A function answers the trait by which configuration space is asked for.
            "xhci-hal",
            "usb-model",
            "xhci-model",
        ]),
    ),
    room(
        "renesas",
        Core,
        Only(&["usb-spec", "xhci-spec", "renesas-spec", "xhci-hal"]),
    ),
    room("trace", Core, Only(&["usb-spec", "xhci-spec", "memory"])),
    room(
        "check",
        Core,
        Only(&["usb-spec", "xhci-spec", "memory", "trace"]),
    ),
    room("volmem", Edge, Only(&["xhci-spec", "memory", "xhci-hal"])),
    room(
        "vfio",
        Edge,
        Only(&["xhci-spec", "memory", "xhci-hal", "volmem"]),
    ),
    room("block", Edge, Only(&["memory", "volmem", "usb-model"])),
    room(
        "host",
        Edge,
        Only(&[
            "usb-spec",
            "xhci-spec",
            "memory",
            "xhci-hal",
            "xhci-driver",
            "usb-class",
            "volmem",
        ]),
    ),
    // The controller model in this process, as a backend of the host.
    room(
        "local",
        Edge,
        Only(&[
            "usb-spec",
            "xhci-spec",
            "memory",
            "xhci-hal",
            "xhci-driver",
            "usb-class",
            "usb-model",
            "xhci-model",
            "volmem",
            "block",
            "host",
        ]),
    ),
    room("vfio-user", Edge, BelowEdges),
    room("serve", Edge, BelowEdges),
    room("lab", Edge, BelowEdges),
    room("passthrough", Edge, BelowEdges),
    room("gpio", Edge, BelowEdges),
    room(
        "cli",
        Edge,
        AllBut(&["benches", "fuzz", "testkit", "xtask"]),
    ),
    room(
        "testkit",
        Tool,
        AllBut(&["benches", "cli", "fuzz", "xtask"]),
    ),
    room("fuzz", Tool, AllBut(&["benches", "cli", "xtask"])),
    room("benches", Tool, AllBut(&["cli", "fuzz", "xtask"])),
    room("xtask", Tool, Only(&[])),
];

/// Imports that are allowed for one name only: room, imported room, the name, and why.
pub(crate) const ONE_NAME: &[(&str, &str, &str, &str)] = &[(
    "memory",
    "xhci-spec",
    "Iova",
    "shared memory has addresses, and knows no other xHCI word",
)];

/// Rooms whose job needs `unsafe`; everywhere else it is forbidden.
pub(crate) const UNSAFE_ROOMS: [&str; 2] = ["volmem", "vfio"];

/// Rooms whose `tests/` and `benches/` put the whole house together and may import any room.
const WHOLE_HOUSE_TESTS: [&str; 2] = ["cli", "host"];

impl Room {
    /// The row of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        ROOMS.iter().find(|room| room.name == name)
    }

    /// The name of its package.
    pub(crate) fn package(&self) -> String {
        match self.name {
            "cli" => "doorbell".to_owned(),
            "xtask" => "xtask".to_owned(),
            name => format!("doorbell-{name}"),
        }
    }

    /// The name of its library, as code writes it.
    pub(crate) fn library(&self) -> String {
        self.name.replace('-', "_")
    }

    /// True when its shipped code may import `other`.
    pub(crate) fn may_import(&self, other: &Self) -> bool {
        match self.may {
            Only(list) => list.contains(&other.name),
            BelowEdges => other.layer.cmp(&Edge) == Ordering::Less,
            AllBut(list) => !list.contains(&other.name),
        }
    }

    /// True when its tests and benches may import `other`: what it may import itself, and the test kit.
    pub(crate) fn tests_may_import(&self, other: &Self) -> bool {
        self.may_import(other) || other.name == "testkit" || WHOLE_HOUSE_TESTS.contains(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(room: &str, other: &str) -> bool {
        Room::find(room)
            .unwrap()
            .may_import(Room::find(other).unwrap())
    }

    #[test]
    fn no_arrow_points_up() {
        for room in ROOMS.iter().filter(|room| room.layer < Edge) {
            for other in ROOMS.iter().filter(|other| room.may_import(other)) {
                assert!(
                    other.layer <= room.layer,
                    "{} (lower) may import {} (higher)",
                    room.name,
                    other.name
                );
            }
        }
    }

    #[test]
    fn driver_model_and_checker_do_not_know_each_other() {
        let strangers = ["xhci-driver", "xhci-model", "check"];
        for one in strangers {
            for other in strangers {
                assert!(!may(one, other), "{one} may import {other}");
            }
        }
        assert!(!may("check", "xhci-ring"));
    }

    #[test]
    fn every_listed_room_exists_and_no_row_is_double() {
        for (index, room) in ROOMS.iter().enumerate() {
            assert!(
                ROOMS
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.name != room.name),
                "{} is double",
                room.name
            );
            if let Only(list) | AllBut(list) = room.may {
                assert!(
                    list.iter().all(|name| Room::find(name).is_some()),
                    "{}: {list:?}",
                    room.name
                );
            }
        }
    }

    #[test]
    fn tests_may_use_the_kit_and_only_the_edges_tests_use_everything() {
        let tests_may = |room: &str, other: &str| {
            Room::find(room)
                .unwrap()
                .tests_may_import(Room::find(other).unwrap())
        };
        assert!(tests_may("xhci-ring", "testkit") && !may("xhci-ring", "testkit"));
        assert!(!tests_may("xhci-driver", "xhci-model"));
        assert!(tests_may("host", "xhci-model") && !may("host", "xhci-model"));
    }
}
