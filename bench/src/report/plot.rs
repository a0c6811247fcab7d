//! A plot of how cost grows, both axes logarithmic: a straight line is a power law, and its slope the exponent.

use super::{Growth, text};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
/// Room for labels: left, top, right, bottom.
const MARGIN: [f64; 4] = [72.0, 40.0, 24.0, 56.0];

/// An axis: whole decades over so many pixels.
struct Axis {
    from: i32,
    to: i32,
    start: f64,
    end: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64> + Clone, start: f64, end: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let from = decade(low.floor());
        Self { from, to: decade(high.ceil()).max(from + 1), start, end }
    }

    /// Where a decimal logarithm lies.
    fn at(&self, log: f64) -> f64 {
        let share = (log - f64::from(self.from)) / f64::from(self.to - self.from);
        self.start + share * (self.end - self.start)
    }

    fn decades(&self) -> impl Iterator<Item = i32> {
        self.from..=self.to
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a decade of a measured number is far within an i32; others saturate"
)]
fn decade(log: f64) -> i32 {
    if log.is_finite() { log as i32 } else { 0 }
}

/// The picture.
pub(crate) fn svg(growth: &Growth) -> String {
    let [left, top, right, bottom] = MARGIN;
    let logs: Vec<(f64, f64)> = growth.points.iter().map(|(x, y)| (x.log10(), y.log10())).collect();
    let along = Axis::of(logs.iter().map(|point| point.0), left, WIDTH - right);
    let up = Axis::of(logs.iter().map(|point| point.1), HEIGHT - bottom, top);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    grid(&mut svg, &along, &up);
    let (work, cost) = (escaped(&growth.work), escaped(&growth.cost));
    let slope = growth.slope().map(|slope| format!(": exponent {slope:.2}")).unwrap_or_default();
    label(&mut svg, (left, top - 16.0), "start", &format!("{cost}{slope}"));
    label(&mut svg, (f64::midpoint(left, WIDTH - right), HEIGHT - 12.0), "middle", &work);
    if let Some((slope, factor)) = growth.fit() {
        let ends = [logs.first(), logs.last()].map(|end| end.map_or(0.0, |point| point.0));
        let [(x1, y1), (x2, y2)] = ends.map(|log| (along.at(log), up.at(factor + slope * log)));
        line(
            &mut svg,
            &format!(
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#c2410c\" stroke-width=\"2\"/>"
            ),
        );
    }
    for ((x, y), (_, cost)) in logs.iter().zip(&growth.points) {
        let (x, y) = (along.at(*x), up.at(*y));
        line(&mut svg, &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#1d4ed8\"/>"));
        label(&mut svg, (x, y - 10.0), "middle", &text(*cost));
    }
    svg + "</svg>\n"
}

/// Lines and names of the decades.
fn grid(svg: &mut String, along: &Axis, up: &Axis) {
    for decade in along.decades() {
        let x = along.at(f64::from(decade));
        let (y1, y2) = (up.start, up.end);
        line(svg, &format!("<line x1=\"{x:.1}\" y1=\"{y1}\" x2=\"{x:.1}\" y2=\"{y2}\" stroke=\"#ddd\"/>"));
        label(svg, (x, up.start + 18.0), "middle", &text(10_f64.powi(decade)));
    }
    for decade in up.decades() {
        let y = up.at(f64::from(decade));
        let (x1, x2) = (along.start, along.end);
        line(svg, &format!("<line x1=\"{x1}\" y1=\"{y:.1}\" x2=\"{x2}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>"));
        label(svg, (along.start - 8.0, y + 4.0), "end", &text(10_f64.powi(decade)));
    }
}

fn label(svg: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    line(svg, &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#333\">{words}</text>"));
}

fn line(svg: &mut String, element: &str) {
    svg.push_str(element);
    svg.push('\n');
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_its_points_its_line_and_its_words() {
        let points = vec![(1.0, 2.0), (10.0, 21.0), (100.0, 190.0)];
        let growth = Growth { name: "lines".to_owned(), work: "a < b".to_owned(), cost: "µs".to_owned(), points };
        let svg = svg(&growth);
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("a &lt; b") && svg.contains("exponent 0.99") && svg.contains("#c2410c"), "{svg}");
    }

    #[test]
    fn one_point_or_none_is_a_plot_too() {
        for points in [vec![], vec![(5.0, 5.0)]] {
            let growth = Growth { name: String::new(), work: String::new(), cost: String::new(), points };
            let svg = svg(&growth);
            assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
