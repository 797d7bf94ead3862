//! Imports follow the table of rooms, in manifests and in code.

use super::paths::crate_paths;
use super::rooms::{ONE_NAME, ROOMS, Room};
use super::tree::{Package, Tree};
use super::{Report, source::Source};

/// Every package is a room of the table; what its manifest and its code import is allowed there.
pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for package in &tree.packages {
        let place = package.folder.join("Cargo.toml");
        match package.row() {
            Some(room) => check_manifest(room, package, report),
            None => report.error(
                place.display(),
                format!("{} is not in the table of rooms", package.name),
            ),
        }
    }
    for (source, package) in tree.with_packages() {
        if let Some(room) = package.row() {
            check_code(room, source, report);
        }
    }
}

fn check_manifest(room: &Room, package: &Package, report: &mut Report) {
    let place = package.folder.join("Cargo.toml");
    for (for_tests, name) in dependencies(&package.manifest) {
        let Some(other) = ROOMS.iter().find(|other| other.package() == name) else {
            continue;
        };
        if for_tests && !room.tests_may_import(other) {
            report.error(
                place.display(),
                format!("tests of {} may not depend on {}", room.name, other.name),
            );
        }
        if !for_tests && !room.may_import(other) {
            report.error(
                place.display(),
                format!("{} may not depend on {}", room.name, other.name),
            );
        }
    }
}

/// All dependencies of a manifest by package name, on every platform; `true` for those of tests only.
fn dependencies(manifest: &toml::Table) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let targets = manifest
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten();
    let tables = targets
        .filter_map(|(_, target)| target.as_table())
        .chain([manifest]);
    for table in tables {
        for (section, for_tests) in [
            ("dependencies", false),
            ("build-dependencies", false),
            ("dev-dependencies", true),
        ] {
            for (key, value) in table
                .get(section)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
            {
                let renamed = value.get("package").and_then(toml::Value::as_str);
                found.push((for_tests, renamed.unwrap_or(key).to_owned()));
            }
        }
    }
    found
}

fn check_code(room: &Room, source: &Source, report: &mut Report) {
    for path in crate_paths(source) {
        let named = |other: &&Room| {
            path.segments
                .first()
                .is_some_and(|head| *head == other.library())
        };
        let Some(other) = ROOMS.iter().find(named) else {
            continue;
        };
        let allowed = if source.is_test(path.line) {
            room.tests_may_import(other)
        } else {
            room.may_import(other)
        };
        if !allowed && other.name != room.name {
            let text = format!(
                "{} may not use {} ({})",
                room.name,
                other.name,
                path.segments.join("::")
            );
            report.error(source.at(path.line), text);
        }
    }
}

/// Imports that are allowed for one name only take that name only.
pub(crate) fn check_one_name(tree: &Tree, report: &mut Report) {
    for (room, imported, name, why) in ONE_NAME {
        let Some(library) = Room::find(imported).map(Room::library) else {
            continue;
        };
        for (source, _) in tree
            .with_packages()
            .filter(|(_, package)| package.room == *room)
        {
            for path in crate_paths(source) {
                let is_it = path.segments.first().is_some_and(|head| *head == library);
                // `Iova::new` names the one type and then what belongs to it.
                if is_it
                    && !path.segments.iter().any(|segment| segment == name)
                    && !source.is_test(path.line)
                {
                    let text = format!(
                        "{room} takes only {name} from {imported}: {why}; not {}",
                        path.segments.join("::")
                    );
                    report.error(source.at(path.line), text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree_with<'a>(
        room: &str,
        sections: &str,
        code: &'a str,
        storage: &'a mut [String; 3],
    ) -> [(&'a str, &'a str); 2] {
        let package = Room::find(room).unwrap().package();
        storage[0] = format!("crates/{room}/Cargo.toml");
        storage[1] = format!("[package]\nname = \"{package}\"\n{sections}");
        storage[2] = format!("crates/{room}/src/lib.rs");
        [(&storage[0], &storage[1]), (&storage[2], code)]
    }

    #[track_caller]
    fn of(room: &str, sections: &str, code: &str) -> Report {
        Report::of(
            check,
            &tree_with(room, sections, code, &mut Default::default()),
        )
    }

    #[test]
    fn a_dependency_that_the_table_allows_passes() {
        of(
            "xhci-ring",
            "[dependencies]\ndoorbell-memory.workspace = true\nthiserror = \"2\"\n",
            "use memory::Fault;",
        )
        .assert_clean();
    }

    #[test]
    fn a_dependency_across_the_table_fails_in_every_section_and_under_any_name() {
        let words = "xhci-driver may not depend on xhci-model";
        of(
            "xhci-driver",
            "[dependencies]\ndoorbell-xhci-model.workspace = true\n",
            "",
        )
        .assert_says(words);
        of(
            "xhci-driver",
            "[build-dependencies]\ndoorbell-xhci-model = { path = \"..\" }\n",
            "",
        )
        .assert_says(words);
        of(
            "xhci-driver",
            "[target.'cfg(unix)'.dependencies]\ndoorbell-xhci-model = \"1\"\n",
            "",
        )
        .assert_says(words);
        of(
            "xhci-driver",
            "[dependencies]\nm = { package = \"doorbell-xhci-model\" }\n",
            "",
        )
        .assert_says(words);
    }

    #[test]
    fn tests_may_depend_on_the_kit_and_not_on_a_stranger() {
        of(
            "xhci-driver",
            "[dev-dependencies]\ndoorbell-testkit.workspace = true\n",
            "",
        )
        .assert_clean();
        let stranger = of(
            "xhci-driver",
            "[dev-dependencies]\ndoorbell-xhci-model.workspace = true\n",
            "",
        );
        stranger.assert_says("tests of xhci-driver may not depend on xhci-model");
        of(
            "host",
            "[dev-dependencies]\ndoorbell-xhci-model.workspace = true\n",
            "",
        )
        .assert_clean();
    }

    #[test]
    fn a_path_in_shipped_code_that_crosses_the_table_fails() {
        of("usb-model", "", "fn f() { xhci_spec::Trb::new(); }")
            .assert_says("usb-model may not use xhci-spec (xhci_spec::Trb::new)");
        of("check", "", "use xhci_ring::Consumer;").assert_says("check may not use xhci-ring");
        of("xhci-ring", "", "use testkit::Ram;").assert_says("xhci-ring may not use testkit");
        of(
            "xhci-ring",
            "",
            "#[cfg(test)]\nmod tests { use testkit::Ram; }",
        )
        .assert_clean();
    }

    #[test]
    fn a_package_that_the_table_does_not_know_fails() {
        let files = [(
            "crates/attic/Cargo.toml",
            "[package]\nname = \"doorbell-attic\"\n",
        )];
        Report::of(check, &files).assert_says("not in the table of rooms");
    }

    #[test]
    fn memory_takes_iova_from_the_spec_and_nothing_else() {
        let of = |code| {
            Report::of(
                check_one_name,
                &tree_with("memory", "", code, &mut Default::default()),
            )
        };
        of("use xhci_spec::Iova;\nuse xhci_spec::number::Iova as At;\nfn f() { xhci_spec::Iova::new(1); }").assert_clean();
        of("use xhci_spec::{Iova, Trb};").assert_says("not xhci_spec::Trb");
        of("use xhci_spec::*;").assert_says("not xhci_spec::*");
    }
}
