//! Licences and sources of all dependencies, read against `deny.toml`.
//!
//! cargo-deny reads the same file and knows more (advisories, doubles); this check is here so that the two things that
//! must never go wrong are looked at on every machine, also without it.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;
use spdx::{Expression, ParseMode};

use super::Report;
use crate::machine::{Workspace, host};

/// The one registry that dependencies come from; the name is cargo's own for crates.io, on every machine.
pub(super) const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Reads the dependencies of this machine's platform.
pub(crate) fn check(workspace: &Workspace, report: &mut Report) -> Result<()> {
    let deny = fs::read_to_string(workspace.root.join("deny.toml")).context("reading deny.toml")?;
    let deny: toml::Table = deny.parse().context("deny.toml is not TOML")?;
    // Without a platform, cargo would fetch every package that only other systems build.
    let metadata = workspace.metadata(["--filter-platform", &host()?])?;
    check_packages(&allowed(&deny)?, &metadata, report);
    Ok(())
}

/// The list `licenses.allow` of deny.toml.
fn allowed(deny: &toml::Table) -> Result<Vec<String>> {
    let list = deny
        .get("licenses")
        .and_then(|licenses| licenses.get("allow"))
        .and_then(toml::Value::as_array);
    let list = list.context("deny.toml has no list licenses.allow")?;
    list.iter()
        .map(|name| {
            name.as_str()
                .map(str::to_owned)
                .context("licenses.allow holds more than names")
        })
        .collect()
}

fn check_packages(allowed: &[String], metadata: &Value, report: &mut Report) {
    let used = |package: &&Value| {
        let nodes = metadata["resolve"]["nodes"].as_array();
        nodes.is_some_and(|nodes| nodes.iter().any(|node| node["id"] == package["id"]))
    };
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut seen = 0;
    for package in packages.filter(used) {
        seen += 1;
        let name = format!(
            "{} {}",
            package["name"].as_str().unwrap_or("?"),
            package["version"].as_str().unwrap_or("?")
        );
        if let Some(source) = package["source"]
            .as_str()
            .filter(|source| *source != CRATES_IO)
        {
            report.error(&name, format!("comes from {source}, not from crates.io"));
        }
        let Some(licence) = package["license"].as_str() else {
            report.error(&name, "names no licence");
            continue;
        };
        if let Err(problem) = is_allowed(allowed, licence) {
            report.error(&name, problem);
        }
    }
    if seen == 0 {
        report.error("cargo metadata", "names no package: nothing was checked");
    }
}

/// Whether the list satisfies a licence expression; older crates write `MIT/Apache-2.0`.
fn is_allowed(allowed: &[String], licence: &str) -> Result<(), String> {
    let expression = Expression::parse_mode(licence, ParseMode::LAX)
        .map_err(|error| format!("licence {licence}: {error}"))?;
    let is_listed = |wanted: &spdx::LicenseReq| allowed.contains(&wanted.to_string());
    if expression.evaluate(is_listed) {
        Ok(())
    } else {
        Err(format!("licence {licence} is not allowed by deny.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(licence: Value, source: Value) -> Report {
        let package = json!({ "id": "a", "name": "a", "version": "1.0.0", "license": licence, "source": source });
        let metadata = json!({ "packages": [package], "resolve": { "nodes": [{ "id": "a" }] } });
        let mut report = Report::default();
        check_packages(
            &[
                "MIT".to_owned(),
                "Apache-2.0 WITH LLVM-exception".to_owned(),
            ],
            &metadata,
            &mut report,
        );
        report
    }

    #[test]
    fn one_allowed_choice_is_enough_and_all_parts_are_needed() {
        for licence in [
            "MIT",
            "MIT OR GPL-2.0-only",
            "MIT/Apache-2.0",
            "Apache-2.0 WITH LLVM-exception AND MIT",
        ] {
            of(json!(licence), json!(CRATES_IO)).assert_clean();
        }
        for licence in ["GPL-2.0-only", "MIT AND Apache-2.0", "Apache-2.0"] {
            of(json!(licence), json!(CRATES_IO)).assert_says("is not allowed by deny.toml");
        }
    }

    #[test]
    fn a_package_without_a_licence_or_with_a_strange_one_fails() {
        of(Value::Null, json!(CRATES_IO)).assert_says("names no licence");
        of(json!("do as you like"), json!(CRATES_IO)).assert_says("licence do as you like");
    }

    #[test]
    fn a_package_from_elsewhere_fails_and_one_of_the_tree_passes() {
        of(json!("MIT"), json!("git+https://example.org/a")).assert_says("not from crates.io");
        of(json!("MIT"), Value::Null).assert_clean();
    }

    #[test]
    fn an_empty_answer_of_cargo_is_not_a_pass() {
        let mut report = Report::default();
        check_packages(&[], &json!({}), &mut report);
        report.assert_says("nothing was checked");
    }

    #[test]
    fn deny_toml_without_a_list_is_an_error() {
        assert!(allowed(&"[licenses]\n".parse().unwrap()).is_err());
        assert_eq!(
            allowed(&"[licenses]\nallow = [\"MIT\"]\n".parse().unwrap()).unwrap(),
            ["MIT"]
        );
    }
}
