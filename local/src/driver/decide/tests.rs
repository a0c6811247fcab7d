use super::*;

const RULES: Rules = Rules { reports_failures: true, bisect: true, retries: None, record_age_ms: None };
const PLAIN: Rules = Rules { reports_failures: false, bisect: false, ..RULES };

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{:05}", index * 7)).collect()
}

fn naming(identifiers: &[&str]) -> Answer {
    let items: Vec<_> = identifiers.iter().map(|id| serde_json::json!({ "itemIdentifier": id })).collect();
    Answer::Succeeded(serde_json::json!({ "batchItemFailures": items }).to_string().into_bytes())
}

fn span(range: Range<usize>, retries: u32, calls: u32) -> Span {
    Span { range, retries, calls }
}

fn decided(answer: &Answer, rules: Rules) -> Verdict {
    decide(Span::whole(8), answer, &numbers(8), rules)
}

#[test]
fn success_ends_a_span() {
    for document in ["null", "{}", "{\"batchItemFailures\":[]}", "{\"batchItemFailures\":null}"] {
        let verdict = decided(&Answer::Succeeded(document.into()), RULES);
        assert_eq!(verdict, again(0..8, vec![]), "{document}");
    }
}

#[test]
fn a_mapping_without_reports_takes_any_answer_for_success() {
    assert_eq!(decided(&naming(&["00000"]), PLAIN), again(0..8, vec![]));
}

#[test]
fn the_lowest_named_record_and_all_after_it_come_again() {
    let verdict = decided(&naming(&["00042", "00021", "00035"]), RULES);
    assert_eq!(verdict, again(0..3, vec![span(3..8, 0, 1)]));
}

#[test]
fn without_bisect_a_remainder_counts_as_a_retry() {
    let rules = Rules { bisect: false, retries: Some(1), ..RULES };
    let first = decided(&naming(&["00021"]), rules);
    assert_eq!(first, again(0..3, vec![span(3..8, 1, 1)]));
    let second = decide(span(3..8, 1, 1), &naming(&["00028"]), &numbers(8), rules);
    assert_eq!(second.done, 3..4);
    assert_eq!(second.given_up, Some((span(4..8, 1, 2), Reason::RetryAttemptsExhausted)));
}

#[test]
fn an_answer_that_makes_no_sense_fails_the_whole() {
    let unusable = [
        naming(&[""]),
        naming(&["77777"]),
        naming(&["00021", "77777"]),
        Answer::Succeeded(b"{\"batchItemFailures\":[{\"itemIdentifier\":null}]}".into()),
        Answer::Succeeded(b"{\"batchItemFailures\":[{\"id\":\"00021\"}]}".into()),
        Answer::Succeeded(b"{\"batchItemFailures\":\"00021\"}".into()),
        Answer::Succeeded(b"\"ok\"".into()),
        Answer::Succeeded(b"not json".into()),
    ];
    for answer in unusable {
        let verdict = decided(&answer, Rules { bisect: false, ..RULES });
        assert_eq!(verdict, again(0..0, vec![span(0..8, 1, 1)]), "{answer:?}");
        assert_eq!(decided(&answer, RULES), decided(&Answer::Failed, RULES), "{answer:?}");
    }
}

#[test]
fn a_failed_batch_is_halved_and_a_split_is_no_retry() {
    let verdict = decided(&Answer::Failed, Rules { retries: Some(0), ..RULES });
    assert_eq!(verdict, again(0..0, vec![span(0..4, 0, 1), span(4..8, 0, 1)]));
    let odd = decide(span(4..7, 2, 5), &Answer::Failed, &numbers(8), RULES);
    assert_eq!(odd.again, [span(4..5, 2, 6), span(5..7, 2, 6)]);
}

#[test]
fn a_span_that_names_its_first_record_is_split_there_and_stays_whole() {
    assert_eq!(decided(&naming(&["00000"]), RULES), again(0..0, vec![span(0..8, 1, 1)]));
    let last = decided(&naming(&["00000"]), Rules { retries: Some(0), ..RULES });
    assert_eq!(last.given_up, Some((span(0..8, 0, 1), Reason::RetryAttemptsExhausted)));
}

#[test]
fn a_single_record_is_retried_until_its_bound() {
    let rules = Rules { retries: Some(2), ..RULES };
    let mut current = span(5..6, 0, 3);
    for retries in 1..=2 {
        let verdict = decide(current, &Answer::Failed, &numbers(8), rules);
        current = verdict.again.into_iter().next().unwrap();
        assert_eq!(current.retries, retries);
    }
    let verdict = decide(current, &Answer::Failed, &numbers(8), rules);
    assert_eq!(verdict.given_up, Some((span(5..6, 2, 6), Reason::RetryAttemptsExhausted)));
    assert!(verdict.again.is_empty() && verdict.done.is_empty());
}

#[test]
fn without_a_bound_nothing_is_given_up() {
    let verdict = decide(span(5..6, u32::MAX, 9), &Answer::Failed, &numbers(8), RULES);
    assert_eq!(verdict.again, [span(5..6, u32::MAX, 10)]);
}

#[test]
fn a_call_that_was_not_made_counts_for_nothing() {
    let rules = Rules { retries: Some(0), ..RULES };
    assert_eq!(decided(&Answer::NotInvoked, rules), again(0..0, vec![Span::whole(8)]));
}

#[test]
fn records_that_are_too_old_leave_the_start_of_a_span() {
    let rules = Rules { record_age_ms: Some(1_000), ..RULES };
    let arrived = [0, 100, 200, 5_000, 100];
    let (expired, rest) = span(1..5, 3, 4).without_expired(&arrived, 1_300, rules);
    assert_eq!((expired, rest), (Some(span(1..3, 3, 4)), Some(span(3..5, 3, 4))));
    let (expired, rest) = span(0..3, 0, 0).without_expired(&arrived, 9_000, rules);
    assert_eq!((expired, rest), (Some(span(0..3, 0, 0)), None));
    let (expired, rest) = span(0..3, 0, 0).without_expired(&arrived, 1_000, rules);
    assert_eq!((expired, rest), (None, Some(span(0..3, 0, 0))));
    let (expired, _) = span(0..3, 0, 0).without_expired(&arrived, i64::MAX, RULES);
    assert_eq!(expired, None);
}

/// Whatever a function answers, each record is done or given up exactly once, in order, or still to come.
#[test]
fn no_record_is_lost_or_doubled_by_any_answer() {
    let answers = [Answer::Failed, naming(&["00021"]), naming(&["00000"]), naming(&[]), naming(&["00049"])];
    for rules in [RULES, PLAIN, Rules { retries: Some(0), ..RULES }] {
        for answer in &answers {
            let verdict = decided(answer, rules);
            let given_up = verdict.given_up.iter().map(|(span, _)| span.range.clone());
            let again = verdict.again.iter().map(|span| span.range.clone());
            let covered: Vec<usize> = verdict.done.clone().chain(given_up.flatten()).chain(again.flatten()).collect();
            assert_eq!(covered, (0..8).collect::<Vec<_>>(), "{answer:?} {rules:?}");
        }
    }
}
