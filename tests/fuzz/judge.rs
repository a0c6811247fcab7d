//! Feeds a target and judges what it did.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::target::Target;
use crate::{HEAP, corpus, inputs};

/// Memory is counted for the whole process: one target at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The corpus, then what is made of it.
pub(crate) fn fuzz(target: &Target) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = corpus::of(target.name);
    assert!(!kept.is_empty(), "{} has no corpus", target.name);
    // What is made once and stays (zones, thread locals) is nobody's input's.
    (target.run)(&kept[0].1);
    for (name, input) in &kept {
        if let Err(wrong) = judge(target, input) {
            panic!("corpus/{}/{name}: {wrong}", target.name);
        }
    }
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let result = runner.run(&inputs::of(target, kept), |input| {
        judge(target, &input).map_err(|wrong| {
            corpus::save(target.name, &input);
            TestCaseError::fail(wrong)
        })
    });
    if let Err(TestError::Fail(wrong, input)) = result {
        let path = corpus::save(target.name, &input);
        panic!("{}: {wrong}\nthe input ({} bytes) is {}", target.name, input.len(), path.display());
    }
}

fn judge(target: &Target, input: &[u8]) -> Result<(), String> {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let taken = HEAP.peak_usage().saturating_sub(before);
    if let Err(panic) = result {
        let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        return Err(format!("panicked: {}", words.unwrap_or("without a word")));
    }
    let most = target.memory.fixed + target.memory.per_byte * input.len();
    if taken <= most {
        return Ok(());
    }
    Err(format!("took {taken} bytes of memory for {} bytes of input; the bound is {most}", input.len()))
}
