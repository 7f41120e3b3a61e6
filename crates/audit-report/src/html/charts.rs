//! Charts as inline SVG. Horizontal lengths are percentages and vertical ones pixels, so that a chart fills any width and its
//! letters stay as large as they are.

use super::markup::{escape, shown};
use crate::chart::{brief, scale, slot_name, tick, wider_tick};
use crate::wording::{count, number};
use crate::{Operation, Operations, Slot, Timeline, Unit};

/// What the other drawings refer to: the hatching of what failed.
pub(super) const DEFINITIONS: &str = "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\
    <pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
    <rect class=\"hatch-gap\" width=\"5\" height=\"5\"/><rect class=\"hatch-line\" width=\"2.5\" height=\"5\"/>\
    </pattern></defs></svg>\n";

/// A drawing area: where it begins from the top, and how high it is.
#[derive(Clone, Copy)]
struct Area {
    top: f64,
    height: f64,
}

/// For all events.
const ALL: Area = Area { top: 10.0, height: 170.0 };

/// For what failed or was denied, by a scale of its own: beside all events it is too little to be compared.
const TROUBLE: Area = Area { top: 252.0, height: 70.0 };

/// How high a mark is at least.
const LEAST: f64 = 3.0;

/// Where bars begin, in percent: left of it are the numbers of the axis.
const LEFT: f64 = 7.0;

/// How many bars there is room for.
const MOST_BARS: usize = 400;

/// The slots that are shown: of many only those from the first used one to the last.
pub(super) fn slots(timeline: &Timeline) -> &[Slot] {
    let slots = &timeline.slots;
    if slots.len() <= 62 {
        return slots;
    }
    let used = |slot: &Slot| slot.events > 0;
    let (first, last) = (slots.iter().position(used), slots.iter().rposition(used));
    match first.zip(last) {
        Some((first, last)) => &slots[first..=last.min(first + MOST_BARS - 1)],
        None => &[],
    }
}

/// Events by time, as stacked bars; below them what failed or was denied, where something did.
pub(super) fn timeline(timeline: &Timeline) -> String {
    let slots = slots(timeline);
    let unit = timeline.unit;
    let has_trouble = slots.iter().any(|slot| slot.failures + slot.denied > 0);
    let height = if has_trouble { TROUBLE.top + TROUBLE.height + 8.0 } else { ALL.top + ALL.height + 40.0 };
    let mut svg = format!(
        "<figure><figcaption>Events per {unit}</figcaption>{LEGEND}<svg class=\"chart\" width=\"100%\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"time-title time-text\"><title id=\"time-title\">Events per {unit}</title>\
         <desc id=\"time-text\">{}</desc>\n",
        escape(&description(unit, slots)),
        unit = unit.as_str(),
    );
    svg += &plot(ALL, unit, slots, false);
    svg += &ticks(unit, slots);
    if has_trouble {
        svg += &format!(
            "<text class=\"caption\" x=\"0\" y=\"{}\">Only what failed or was denied</text>\n",
            TROUBLE.top - 14.0
        );
        svg += &plot(TROUBLE, unit, slots, true);
    }
    svg + "</svg>" + &figures(unit, slots) + "</figure>\n"
}

/// An axis and its bars.
fn plot(area: Area, unit: Unit, slots: &[Slot], only_trouble: bool) -> String {
    let others = |slot: &Slot| if only_trouble { 0 } else { slot.events - slot.failures - slot.denied };
    let most = slots.iter().map(|slot| others(slot) + slot.failures + slot.denied).max().unwrap_or(0);
    // There is room for few lines in the lower one.
    let (step, lines) = scale(most, if only_trouble { 3 } else { 5 });
    let most = step.saturating_mul(lines);
    let mut svg = String::new();
    for line in 0..=lines {
        let y = area.top + area.height * (1.0 - line as f64 / lines as f64);
        let class = if line == 0 { "base" } else { "rule" };
        svg += &format!(
            "<line class=\"{class}\" x1=\"{LEFT}%\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"tick end\" x=\"{:.1}%\" y=\"{:.1}\">{}</text>\n",
            LEFT - 0.8,
            y + 4.0,
            brief(step.saturating_mul(line)),
        );
    }
    let width = width(slots);
    for (index, slot) in slots.iter().enumerate() {
        let x = LEFT + width * (index as f64 + 0.14);
        svg += &stack(area, unit, slot, others(slot), (x, width * 0.72), most);
    }
    svg
}

/// The room for a bar, in percent.
fn width(slots: &[Slot]) -> f64 {
    (100.0 - LEFT) / slots.len().max(1) as f64
}

const LEGEND: &str = "<ul class=\"legend\">\
    <li><svg aria-hidden=\"true\"><rect class=\"denied\" width=\"100%\" height=\"100%\"/></svg>denied</li>\
    <li><svg aria-hidden=\"true\"><rect class=\"failed\" width=\"100%\" height=\"100%\"/></svg>failed</li>\
    <li><svg aria-hidden=\"true\"><rect class=\"plain\" width=\"100%\" height=\"100%\"/></svg>all others</li></ul>\n";

/// The chart in a sentence or three.
fn description(unit: Unit, slots: &[Slot]) -> String {
    let sum = |of: fn(&Slot) -> u64| slots.iter().map(of).sum::<u64>();
    let unit_word = unit.as_str();
    let mut text = format!(
        "{} in {}; {} failed, {} denied.",
        count(sum(|slot| slot.events), "event"),
        count(slots.len() as u64, unit_word),
        number(sum(|slot| slot.failures)),
        number(sum(|slot| slot.denied)),
    );
    let mut most = |what: &str, of: fn(&Slot) -> u64| {
        if let Some(slot) = slots.iter().rev().max_by_key(|slot| of(slot)).filter(|slot| of(slot) > 0) {
            let when = slot_name(unit, slot.start);
            text += &format!(" The {unit_word} with the most {what} is {when} with {}.", number(of(slot)));
        }
    };
    most("events", |slot| slot.events);
    most("denials", |slot| slot.denied);
    most("failures", |slot| slot.failures);
    text
}

fn stack(area: Area, unit: Unit, slot: &Slot, others: u64, (x, width): (f64, f64), most: u64) -> String {
    let sum = others + slot.failures + slot.denied;
    if sum == 0 {
        return String::new();
    }
    let scaled = |events: u64| area.height * events as f64 / most.max(1) as f64;
    let visible = |events: u64| if events == 0 { 0.0 } else { scaled(events).max(LEAST) };
    let (failed, denied) = (visible(slot.failures), visible(slot.denied));
    let plain = if others == 0 { 0.0 } else { (visible(sum) - failed - denied).max(1.0) };
    let mut name = format!("{}: {}", slot_name(unit, slot.start), count(slot.events, "event"));
    for (events, what) in [(slot.failures, "failed"), (slot.denied, "denied")] {
        if events > 0 {
            name += &format!(", {} {what}", number(events));
        }
    }
    let mut svg = format!("<g><title>{}</title>", escape(&name));
    let mut bottom = area.top + area.height;
    for (height, class) in [(plain, "plain"), (failed, "failed"), (denied, "denied")] {
        if height > 0.0 {
            bottom -= height;
            svg += &format!(
                "<rect class=\"{class}\" x=\"{x:.3}%\" y=\"{bottom:.1}\" width=\"{width:.3}%\" height=\"{height:.1}\"/>"
            );
        }
    }
    svg + "</g>\n"
}

/// As many names below the axis as there is room for: fewer on a phone.
fn ticks(unit: Unit, slots: &[Slot]) -> String {
    let (width, bottom) = (width(slots), ALL.top + ALL.height);
    let (roomy, narrow) = match unit {
        Unit::Hour | Unit::Day => (31, 11),
        Unit::Month => (24, 9),
        Unit::Year => (20, 7),
    };
    let every = |most: usize| slots.len().div_ceil(most).max(1);
    let (roomy, narrow) = (every(roomy), every(narrow));
    // On a phone, every so many of those that a desk shows.
    let narrow = narrow.div_ceil(roomy) * roomy;
    let mut svg = String::new();
    let mut named: Option<usize> = None;
    for (index, slot) in slots.iter().enumerate() {
        let x = LEFT + width * (index as f64 + 0.5);
        if index % roomy == 0 {
            let class = if index % narrow == 0 { "tick center" } else { "tick center roomy" };
            let name = tick(unit, slot.start);
            svg += &format!("<text class=\"{class}\" x=\"{x:.2}%\" y=\"{}\">{name}</text>\n", bottom + 16.0);
        }
        let is_near = named.is_some_and(|at| (index - at) * 8 < slots.len());
        // The first name gives way to one that begins soon after it.
        let next = slots.iter().skip(1).take(slots.len() / 8);
        let gives_way = index == 0 && next.into_iter().any(|it| wider_tick(unit, it.start, false).is_some());
        if let Some(name) = wider_tick(unit, slot.start, index == 0).filter(|_| !is_near && !gives_way) {
            named = Some(index);
            let x = LEFT + width * index as f64;
            let class = if x > 85.0 { "tick end" } else { "tick" };
            let x = if x > 85.0 { 100.0 } else { x };
            svg += &format!("<text class=\"{class}\" x=\"{x:.2}%\" y=\"{}\">{name}</text>\n", bottom + 32.0);
        }
    }
    svg
}

/// The same as a table, for who does not see the chart.
fn figures(unit: Unit, slots: &[Slot]) -> String {
    let unit = (unit, unit.as_str());
    let name = unit.1[..1].to_uppercase() + &unit.1[1..];
    let columns = [(name.as_str(), "when"), ("Events", "number"), ("Failed", "number"), ("Denied", "number")];
    let label = format!("Events per {}", unit.1);
    let mut grid = super::markup::Grid::wide(&label, super::markup::columns(&columns));
    for slot in slots {
        let figures = [slot.events, slot.failures, slot.denied].map(|figure| Some(number(figure)));
        let [events, failed, denied] = figures;
        grid.row(&[Some(slot_name(unit.0, slot.start)), events, failed, denied]);
    }
    format!("<details><summary>The figures of this chart</summary>{}</details>", grid.finish())
}

/// How many types have a bar.
const MOST_TYPES: usize = 12;

/// The most frequent types, as horizontal bars.
pub(super) fn operations(operations: &Operations) -> String {
    const ROW: f64 = 34.0;
    let mut types: Vec<&Operation> = operations.types.iter().collect();
    types.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.event_type.cmp(&b.event_type)));
    let others = types.split_off(types.len().min(MOST_TYPES));
    let most = types.first().map_or(0, |first| first.total);
    let (step, lines) = scale(most, 5);
    let top = step.saturating_mul(lines).max(1);
    let bottom = ROW * types.len() as f64 + 4.0;
    let title = match others.len() {
        0 => "Events by type".to_owned(),
        _ => format!("Events by type: the {MOST_TYPES} most frequent"),
    };
    let listed: Vec<String> =
        types.iter().take(5).map(|it| format!("{} {}", it.event_type, number(it.total))).collect();
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption>{LEGEND}<svg class=\"chart\" width=\"100%\" height=\"{}\" role=\"img\" \
         aria-labelledby=\"type-title type-text\"><title id=\"type-title\">{title}</title><desc id=\"type-text\">The most \
         frequent: {}. The table below has all figures.</desc>\n",
        bottom + 22.0,
        shown(&listed.join(", ")),
    );
    for line in 0..=lines {
        let x = 100.0 * line as f64 / lines as f64;
        let anchor = match line {
            0 => "tick",
            _ if line == lines => "tick end",
            _ => "tick center",
        };
        let class = if line == 0 { "base" } else { "rule" };
        svg += &format!(
            "<line class=\"{class}\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"0\" y2=\"{bottom}\"/><text class=\"{anchor}\" \
             x=\"{x:.2}%\" y=\"{:.1}\">{}</text>\n",
            bottom + 16.0,
            brief(step.saturating_mul(line)),
        );
    }
    for (index, it) in types.iter().enumerate() {
        svg += &bar(it, ROW * index as f64, top);
    }
    svg += "</svg>";
    if !others.is_empty() {
        let events: u64 = others.iter().map(|it| it.total).sum();
        let types = count(others.len() as u64, "more type");
        svg += &format!("<p class=\"more\">and {types} with {}</p>", count(events, "event"));
    }
    svg + "</figure>\n"
}

/// A type's name and number, and below them its bar.
fn bar(it: &Operation, y: f64, top: u64) -> String {
    let width = |events: u64| {
        let exact = 100.0 * events as f64 / top as f64;
        if events == 0 { 0.0 } else { exact.max(0.4) }
    };
    let (failed, denied) = (width(it.failures), width(it.denied));
    let plain =
        if it.total == it.failures + it.denied { 0.0 } else { (width(it.total) - failed - denied).max(0.2) };
    // On a phone there is room for about forty letters.
    let name = shown(&crate::excerpt::shortened(&it.event_type, 40));
    let mut remarks = String::new();
    for (events, what) in [(it.failures, "failed"), (it.denied, "denied")] {
        if events > 0 {
            remarks += &format!(", {} {what}", number(events));
        }
    }
    let mut svg = format!(
        "<g><title>{}: {}{remarks}</title><text x=\"4\" y=\"{:.1}\">{name}</text><text class=\"end\" x=\"100%\" \
         y=\"{:.1}\">{}</text>",
        shown(&it.event_type),
        count(it.total, "event"),
        y + 14.0,
        y + 14.0,
        number(it.total)
    );
    let mut x = 0.0;
    for (width, class) in [(plain, "plain"), (failed, "failed"), (denied, "denied")] {
        if width > 0.0 {
            svg += &format!(
                "<rect class=\"{class}\" x=\"{x:.3}%\" y=\"{:.1}\" width=\"{width:.3}%\" height=\"10\"/>",
                y + 19.0
            );
            x += width;
        }
    }
    svg + "</g>\n"
}
