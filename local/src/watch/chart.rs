//! A panel's picture: bars on one another, or lines, over an hour.

use std::fmt::Write as _;

use super::query::Line;

/// How many colours lines are told apart by; the page's style has them.
pub(super) const COLOURS: usize = 8;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 130.0;
/// Room for the greatest value above the picture.
const TOP: f64 = 16.0;

/// The picture of lines that have the same number of values.
pub(super) fn chart(lines: &[Line], stacked: bool) -> String {
    let greatest = if stacked { highest_stack(lines) } else { highest(lines) };
    let scale = (HEIGHT - TOP) / if greatest > 0.0 { greatest } else { 1.0 };
    let drawn: String = if stacked {
        bars(lines, scale)
    } else {
        lines.iter().zip(0..).map(|(line, n)| curve(line, n, scale)).collect()
    };
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"the last hour\"><text x=\"0\" y=\"11\">{}</text>\
         <line class=\"axis\" x1=\"0\" y1=\"{HEIGHT}\" x2=\"{WIDTH}\" y2=\"{HEIGHT}\"/>{drawn}</svg>",
        number(greatest)
    )
}

fn highest(lines: &[Line]) -> f64 {
    lines.iter().flat_map(|line| line.values.iter().flatten()).copied().fold(0.0, f64::max)
}

fn highest_stack(lines: &[Line]) -> f64 {
    let windows = lines.iter().map(|line| line.values.len()).max().unwrap_or_default();
    (0..windows).map(|window| lines.iter().map(|line| value(line, window)).sum()).fold(0.0, f64::max)
}

fn value(line: &Line, window: usize) -> f64 {
    line.values.get(window).copied().flatten().unwrap_or_default().max(0.0)
}

/// The width of one of `windows`.
fn step(windows: usize) -> f64 {
    WIDTH / f64::from(u32::try_from(windows.max(1)).unwrap_or(u32::MAX))
}

fn bars(lines: &[Line], scale: f64) -> String {
    let windows = lines.iter().map(|line| line.values.len()).max().unwrap_or_default();
    let step = step(windows);
    let mut svg = String::new();
    for (window, x) in (0..windows).zip(places(step)) {
        let mut y = HEIGHT;
        for (line, colour) in lines.iter().zip((0..COLOURS).cycle()) {
            let height = value(line, window) * scale;
            if height > 0.0 {
                y -= height;
                let drawn = write!(
                    svg,
                    "<rect class=\"c{colour}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                    step - 1.0
                );
                debug_assert!(drawn.is_ok(), "a text takes what is written");
            }
        }
    }
    svg
}

/// A point for each value, joined where nothing is missing between them.
fn curve(line: &Line, place: usize, scale: f64) -> String {
    let step = step(line.values.len());
    let colour = place % COLOURS;
    let mut svg = String::new();
    let mut run = Vec::new();
    let points = line
        .values
        .iter()
        .zip(places(step))
        .map(|(value, x)| value.map(|value| (x + step / 2.0, HEIGHT - value.max(0.0) * scale)));
    for point in points.chain([None]) {
        match (point, run.as_slice()) {
            (Some(point), _) => run.push(point),
            (None, []) => {}
            (None, points) => {
                svg.push_str(&joined(points, colour));
                run.clear();
            }
        }
    }
    svg
}

fn joined(points: &[(f64, f64)], colour: usize) -> String {
    if let [(x, y)] = points {
        return format!("<circle class=\"c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>");
    }
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    format!("<polyline class=\"c{colour}\" points=\"{}\"/>", points.join(" "))
}

fn places(step: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(0.0), move |x| Some(x + step))
}

/// A number to be read: whole where it is, with three digits where it is small.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 10_000_000.0 => format!("{:.1} M", value / 1_000_000.0),
        large if large >= 10_000.0 => format!("{:.1} k", value / 1_000.0),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        large if large >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[Option<f64>]) -> Line {
        Line { label: "l".to_owned(), values: values.to_vec() }
    }

    #[test]
    fn bars_stand_on_one_another_and_fill_the_height() {
        let svg = chart(&[line(&[Some(1.0), None]), line(&[Some(3.0), Some(2.0)])], true);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains("y=\"101.5\" width=\"299.0\" height=\"28.5\""), "{svg}");
        assert!(svg.contains("y=\"16.0\" width=\"299.0\" height=\"85.5\""), "{svg}");
        assert!(svg.contains(">4</text>"));
    }

    #[test]
    fn a_curve_breaks_where_nothing_was_measured() {
        let svg = chart(&[line(&[Some(1.0), Some(2.0), None, Some(1.0)])], false);
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<circle").count()), (1, 1));
        let flat = chart(&[line(&[Some(0.0), Some(0.0)])], false);
        assert!(!flat.contains("NaN") && !flat.contains("inf"), "{flat}");
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 7.0, 0.1234, 12.34, 9_999.0, 12_345.0, 23_456_789.0].map(number);
        assert_eq!(shown, ["0", "7", "0.123", "12.3", "9999", "12.3 k", "23.5 M"]);
    }
}
