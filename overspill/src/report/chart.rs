//! Curves over time as SVG: lines, areas, stacked areas; axes with round numbers.
//!
//! Colours come from the page's style sheet, so a chart follows light and dark.

use std::fmt::Write;

use serde::Serialize;

use super::curves::Cluster;
use crate::numbers::{clock, significant};

/// One chart.
#[derive(Clone, Debug)]
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) note: &'a str,
    /// Behind the numbers of the upright axis.
    pub(super) unit: &'a str,
    pub(super) lines: Vec<Line>,
    /// Areas on top of each other, the first at the bottom.
    pub(super) stacked: bool,
    pub(super) markers: Vec<Cluster>,
    pub(super) length_s: f64,
    /// A level to show, if the curves come near it.
    pub(super) reference: Option<f64>,
}

/// One curve.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// A class of the style sheet, or else a colour.
    pub(super) class: String,
    pub(super) colour: String,
    pub(super) shape: Shape,
    /// Seconds and value, by time.
    pub(super) points: Vec<(f64, f64)>,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Area,
    Line,
}

/// One entry of a legend.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    name: &'a str,
    class: &'a str,
    colour: &'a str,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 230.0;
/// Room for `10,000 ms`.
const LEFT: f64 = 68.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 26.0;

impl Chart<'_> {
    /// Names and colours; none where there is one curve.
    pub(super) fn legend(&self) -> Vec<Entry<'_>> {
        let lines = if self.lines.len() > 1 { &self.lines[..] } else { &[] };
        lines
            .iter()
            .map(|line| Entry { name: &line.name, class: &line.class, colour: &line.colour })
            .collect()
    }

    /// The drawing.
    pub(super) fn svg(&self) -> String {
        let bands = self.bands();
        let highest = bands.iter().flatten().map(|(_, _, top)| *top).fold(0.0, f64::max);
        let reference = self.reference.filter(|level| highest > 0.6 * level);
        let (step, top) = scale(reference.map_or(highest, |level| highest.max(level)));
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}: {}\">\n",
            self.title, self.note
        );
        self.axes(&mut svg, step, top);
        for (line, band) in self.lines.iter().zip(&bands) {
            self.curve(&mut svg, line, band, top);
        }
        if let Some(level) = reference {
            let y = y_of(level, top);
            let _ = writeln!(svg, "<path class=\"reference\" d=\"M{LEFT} {y:.1}H{:.1}\"/>", WIDTH - RIGHT);
        }
        for marker in &self.markers {
            let x = self.x_of(marker.t_s);
            let _ = writeln!(svg, "<path class=\"mark\" d=\"M{x:.1} {TOP}V{:.1}\"/>", HEIGHT - BOTTOM);
            let _ = writeln!(
                svg,
                "<text class=\"mark\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                TOP - 6.0,
                marker.label
            );
        }
        svg + "</svg>"
    }

    /// Each curve as (time, from, to): stacked on those before, or from zero.
    fn bands(&self) -> Vec<Vec<(f64, f64, f64)>> {
        let mut below: Vec<f64> = Vec::new();
        let mut bands = Vec::new();
        for line in &self.lines {
            below.resize(below.len().max(line.points.len()), 0.0);
            let band = |(&(t_s, value), base): (&(f64, f64), &mut f64)| {
                let from = if self.stacked { *base } else { 0.0 };
                *base = from + value;
                (t_s, from, *base)
            };
            bands.push(line.points.iter().zip(&mut below).map(band).collect());
        }
        bands
    }

    fn curve(&self, svg: &mut String, line: &Line, band: &[(f64, f64, f64)], top: f64) {
        if band.is_empty() {
            return;
        }
        let mut outline = String::new();
        for (position, (t_s, _, to)) in band.iter().enumerate() {
            let letter = if position == 0 { 'M' } else { 'L' };
            let _ = write!(outline, "{letter}{:.1} {:.1}", self.x_of(*t_s), y_of(*to, top));
        }
        let class = if line.class.is_empty() { "zone" } else { &line.class };
        let style =
            if line.colour.is_empty() { String::new() } else { format!(" style=\"--c:{}\"", line.colour) };
        if line.shape == Shape::Area {
            let mut area = outline.clone();
            for (t_s, from, _) in band.iter().rev() {
                let _ = write!(area, "L{:.1} {:.1}", self.x_of(*t_s), y_of(*from, top));
            }
            let _ = writeln!(svg, "<path class=\"area {class}\"{style} d=\"{area}Z\"/>");
        }
        if line.shape == Shape::Line || !self.stacked {
            let _ = writeln!(svg, "<path class=\"line {class}\"{style} d=\"{outline}\"/>");
        }
    }

    fn axes(&self, svg: &mut String, step: f64, top: f64) {
        let right = WIDTH - RIGHT;
        let count = (top / step).round() as u32;
        for number in 0..=count {
            let value = step * f64::from(number);
            let y = y_of(value, top);
            let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right:.1}\"/>");
            let label = format!("{}{}", significant(value), self.unit);
            let _ = writeln!(
                svg,
                "<text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
        let step = time_step(self.length_s);
        let base = HEIGHT - BOTTOM;
        for number in 0..=(self.length_s / step) as u32 {
            let t_s = step * f64::from(number);
            let x = self.x_of(t_s);
            let _ = writeln!(svg, "<path class=\"tick\" d=\"M{x:.1} {base:.1}v4\"/>");
            // the last label would run over the edge
            let (class, x) = if x > right - 16.0 { ("x last", WIDTH) } else { ("x", x) };
            let _ = writeln!(
                svg,
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                base + 17.0,
                clock(t_s)
            );
        }
    }

    fn x_of(&self, t_s: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (t_s / self.length_s.max(1e-9)).clamp(0.0, 1.0)
    }
}

fn y_of(value: f64, top: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value / top).clamp(0.0, 1.0)
}

/// The step of an axis up to `highest` and its upper end: 1, 2 or 5 times a power of ten.
fn scale(highest: f64) -> (f64, f64) {
    if !(highest > 0.0 && highest.is_finite()) {
        return (1.0, 1.0);
    }
    let rough = highest / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    (step, step * (highest / step).ceil())
}

/// The step of a time axis in seconds.
fn time_step(length_s: f64) -> f64 {
    const STEPS: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0,
        86_400.0,
    ];
    let fits = |step: &&f64| length_s / **step <= 10.0;
    STEPS.iter().find(fits).copied().unwrap_or_else(|| (length_s / 10.0).max(1e-3))
}
