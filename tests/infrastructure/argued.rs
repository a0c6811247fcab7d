//! What is left out of checkov's checks has a reason beside it.

use std::collections::BTreeSet;

use super::template::Template;
use super::tree;

/// The fewest characters of a reason.
const A_REASON: usize = 30;

#[test]
fn each_check_that_the_system_leaves_out_has_a_reason() {
    let text = tree::read(".checkov.yaml");
    let (_, skipped) = text.split_once("\nskip-check:\n").expect("a list of what is left out");
    let (mut reason, mut seen) = ("", BTreeSet::new());
    for line in skipped.lines().map(str::trim) {
        if let Some(said) = line.strip_prefix("# ") {
            reason = said;
        } else if let Some(check) = line.strip_prefix("- ") {
            assert!(check.starts_with("CKV_") && seen.insert(check), "{check}: a check, once");
            assert!(reason.len() >= A_REASON, "{check}: a reason in the line before");
            reason = "";
        }
    }
    assert!(!seen.is_empty());
}

#[test]
fn each_check_that_a_resource_leaves_out_has_a_reason() {
    let template = Template::load();
    let everywhere = tree::read(".checkov.yaml");
    let mut count = 0;
    for (name, resource) in template.section("Resources") {
        for skip in resource["Metadata"]["checkov"]["skip"].as_array().into_iter().flatten() {
            let check = skip["id"].as_str().unwrap_or_else(|| panic!("{name}: a check's id"));
            assert!(!everywhere.contains(&format!("- {check}\n")), "{name}: {check} is left out everywhere already");
            assert!(skip["comment"].as_str().is_some_and(|reason| reason.len() >= A_REASON), "{name}: {check}, why");
            count += 1;
        }
    }
    assert!(count > 0);
}
