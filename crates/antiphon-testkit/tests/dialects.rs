//! Every case of every dialect, through every law.

use antiphon_testkit::{fixtures, laws};

#[test]
fn every_case_keeps_every_law() {
    let cases = fixtures::cases();
    assert!(!cases.is_empty(), "no cases were found");
    let broken: Vec<String> = cases.iter().filter_map(|case| laws::check(case).err()).collect();
    assert!(broken.is_empty(), "{} of {} cases:\n{}", broken.len(), cases.len(), broken.join("\n"));
}
