//! Who may import whom, by `cargo metadata`.

use std::collections::BTreeSet;

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};

use super::tree;

const FUNCTIONS: [&str; 4] = ["batch-writer", "export", "ingest", "notify"];

/// What each package may name of ours, tests aside. A package that is missing here fails the test: its place is a decision.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("relay", &[]),
    ("relay-aws", &["relay"]),
    ("relay-lambda", &["relay"]),
    ("relay-parquet", &["relay"]),
    ("relay-plan", &["relay"]),
    ("batch-writer", &["relay", "relay-aws", "relay-lambda"]),
    ("export", &["relay", "relay-aws", "relay-lambda", "relay-parquet"]),
    ("ingest", &["relay", "relay-aws", "relay-lambda"]),
    ("notify", &["relay", "relay-aws", "relay-lambda"]),
    ("local", &["relay", "relay-aws", "relay-lambda"]),
    ("relayctl", &["relay", "relay-aws", "relay-lambda", "relay-plan"]),
    // What is measured, and what stands around it: the Lambda host, and the SDK before a stand-in for AWS.
    ("relay-bench", &["relay", "relay-aws", "relay-lambda", "relay-plan", "batch-writer", "local"]),
    // The tests of the whole may look at all of it.
    ("relay-tests", &["relay", "relay-lambda", "relay-plan", "batch-writer", "export", "ingest", "local", "notify"]),
    ("xtask", &[]),
];

/// What the pure library may stand on: data, text, numbers, hashes. No AWS, runtime, clock, randomness or I/O.
const PURE: [&str; 13] = [
    "base64",
    "blake3",
    "bytes",
    "flate2",
    "hex",
    "hmac",
    "jiff",
    "percent-encoding",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "zstd",
];

fn metadata() -> Metadata {
    let manifest = tree::root().join("Cargo.toml");
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).no_deps().other_options(["--offline".to_owned(), "--locked".to_owned()]);
    command.exec().expect("cargo metadata answers")
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    let mut found = metadata.packages.iter().filter(|package| package.name.as_str() == name);
    found.next().unwrap_or_else(|| panic!("a package {name}"))
}

fn shipped(package: &Package) -> impl Iterator<Item = &Dependency> {
    package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development)
}

#[test]
fn packages_import_only_what_they_may() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let placed: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, placed, "every package has its place in the table, and every place a package");
    for (name, allowed) in MAY_IMPORT {
        for dependency in shipped(package(&metadata, name)).filter(|dependency| dependency.path.is_some()) {
            assert!(allowed.contains(&dependency.name.as_str()), "{name} must not import {}", dependency.name);
        }
    }
}

#[test]
fn no_function_imports_another_even_in_tests() {
    let metadata = metadata();
    for function in FUNCTIONS {
        for dependency in &package(&metadata, function).dependencies {
            assert!(!FUNCTIONS.contains(&dependency.name.as_str()), "{function} must not import {}", dependency.name);
        }
    }
}

#[test]
fn only_relay_aws_names_an_aws_crate() {
    for package in &metadata().packages {
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let aws = ["aws-sdk-", "aws-config", "aws-smithy-", "aws-credential", "aws-sigv4", "aws-types"];
            assert!(
                package.name.as_str() == "relay-aws" || !aws.iter().any(|prefix| name.starts_with(prefix)),
                "{} must reach AWS through relay-aws, not by {name}",
                package.name
            );
        }
    }
}

#[test]
fn the_pure_library_stands_on_pure_crates() {
    let metadata = metadata();
    let relay = package(&metadata, "relay");
    for dependency in shipped(relay).filter(|dependency| !dependency.optional) {
        assert!(PURE.contains(&dependency.name.as_str()), "relay is pure; argue {} here first", dependency.name);
    }
}

#[test]
fn handlers_build_without_the_sdk() {
    let metadata = metadata();
    for function in FUNCTIONS {
        let package = package(&metadata, function);
        let aws = package.dependencies.iter().find(|dependency| dependency.name == "relay-aws");
        assert!(aws.is_some_and(|aws| aws.optional && !aws.uses_default_features), "{function}: relay-aws is optional");
        assert_eq!(package.features.get("default"), Some(&vec!["aws".to_owned()]), "{function}: aws is the default");
        for target in package.targets.iter().filter(|target| target.is_bin()) {
            assert_eq!(target.required_features, ["aws"], "{}", target.name);
        }
    }
}

#[test]
fn a_binary_is_named_as_its_package() {
    let metadata = metadata();
    let mut names = BTreeSet::new();
    for package in &metadata.packages {
        for target in package.targets.iter().filter(|target| target.is_bin()) {
            assert!(names.insert(target.name.clone()), "two binaries {}: they would overwrite each other", target.name);
            let own = target.name == package.name.as_str();
            let argued = ["export-api", "export-worker", "relay-local"].contains(&target.name.as_str());
            assert!(own || argued, "binary {} of package {}", target.name, package.name);
        }
    }
}

#[test]
fn packages_share_lints_licence_and_edition() {
    for package in &metadata().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{}: the workspace's lints", package.name);
        assert_eq!(package.license.as_deref(), Some("Apache-2.0"), "{}", package.name);
        assert_eq!(package.publish.as_deref(), Some(&[][..]), "{} is not published", package.name);
        assert!(package.description.is_some(), "{} says what it is", package.name);
    }
}
