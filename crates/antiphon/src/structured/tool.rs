//! The tool that stands in for a form: its calls as content.

use antiphon_core::Event;
use antiphon_core::event::Path;
use serde_json::Value;

use super::TOOL;

/// Makes the tool's arguments the content.
#[derive(Debug, Default)]
pub(crate) struct ToolAsText {
    /// What is not known yet to be the tool's: by choice and call.
    waiting: Vec<((u32, u32), Vec<Event>)>,
    /// The calls that are the tool's.
    ours: Vec<(u32, u32)>,
    /// The calls that are not.
    others: Vec<(u32, u32)>,
}

impl ToolAsText {
    /// The events as the caller sees them.
    pub(crate) fn translate(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut out = Vec::with_capacity(events.len());
        for event in events {
            self.push(event, &mut out);
        }
        out
    }

    fn push(&mut self, event: Event, out: &mut Vec<Event>) {
        let Some(call) = call_of(&event) else {
            out.push(self.outside(event));
            return;
        };
        if self.ours.contains(&call) {
            out.extend(as_content(event));
        } else if self.others.contains(&call) {
            out.push(event);
        } else {
            self.unknown(call, event, out);
        }
    }

    fn unknown(&mut self, call: (u32, u32), event: Event, out: &mut Vec<Event>) {
        let name = match &event {
            Event::Set { path: Path::ToolCall(_, _, field), value } if field == "name" => {
                value.as_str().map(str::to_owned)
            }
            _ => None,
        };
        let at = match self.waiting.iter().position(|(waiting, _)| *waiting == call) {
            Some(at) => at,
            None => {
                self.waiting.push((call, Vec::new()));
                self.waiting.len() - 1
            }
        };
        self.waiting[at].1.push(event);
        let Some(name) = name else { return };
        let (_, events) = self.waiting.swap_remove(at);
        if name == TOOL {
            self.ours.push(call);
            out.extend(events.into_iter().filter_map(as_content));
        } else {
            self.others.push(call);
            out.extend(events);
        }
    }

    /// An answer that called nothing but the tool did not stop for calls.
    fn outside(&self, event: Event) -> Event {
        match event {
            Event::Set { path: Path::Choice(choice, field), value: Value::String(word) }
                if field == "finish_reason"
                    && word == "tool_calls"
                    && self.ours.iter().any(|call| call.0 == choice)
                    && !self.others.iter().any(|call| call.0 == choice) =>
            {
                Event::set_choice(choice, "finish_reason", "stop")
            }
            event => event,
        }
    }
}

fn call_of(event: &Event) -> Option<(u32, u32)> {
    match event {
        Event::Arguments { choice, call, .. } => Some((*choice, *call)),
        Event::Set { path: Path::ToolCall(choice, call, _), .. } => Some((*choice, *call)),
        _ => None,
    }
}

fn as_content(event: Event) -> Option<Event> {
    match event {
        Event::Arguments { choice, text, .. } => Some(Event::Text { choice, text }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use antiphon_core::Fold;

    use super::*;

    #[test]
    fn the_tools_arguments_are_the_content() {
        let mut translation = ToolAsText::default();
        let mut fold = Fold::new();
        let batches = [
            vec![Event::set_call(0, 0, "id", "a"), Event::set_call(0, 0, "name", TOOL)],
            vec![Event::Arguments { choice: 0, call: 0, text: "{\"a\"".into() }],
            vec![Event::Arguments { choice: 0, call: 0, text: ":1}".into() }],
            vec![Event::set_choice(0, "finish_reason", "tool_calls")],
        ];
        batches.into_iter().for_each(|batch| fold.extend(translation.translate(batch)));
        let response = fold.finish();
        assert_eq!(response.text(), "{\"a\":1}");
        assert!(response.tool_calls().is_empty());
        assert_eq!(response.choices[0].finish_reason, Some(antiphon_core::FinishReason::Stop));
    }

    #[test]
    fn other_tools_stay_calls() {
        let mut translation = ToolAsText::default();
        let mut fold = Fold::new();
        fold.extend(translation.translate(vec![
            Event::Arguments { choice: 0, call: 0, text: "{}".into() },
            Event::set_call(0, 0, "name", "weather"),
            Event::set_choice(0, "finish_reason", "tool_calls"),
        ]));
        let response = fold.finish();
        assert_eq!(response.tool_calls()[0].function.name, "weather");
        assert_eq!(response.choices[0].finish_reason, Some(antiphon_core::FinishReason::ToolCalls));
    }
}
