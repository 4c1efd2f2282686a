//! Grammars in llama.cpp's notation, GBNF (`grammars/README.md` there), told in llguidance's Lark.
//!
//! A rule that does not come back to itself becomes a terminal, a regular expression that is matched as a
//! whole; so does one that comes back only at its end, and what stands side by side in the others. Between
//! terminals llguidance takes the longest match, within one it takes any.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::Value;

/// Groups within groups.
const NESTING: usize = 100;

type Alternatives = Vec<Vec<Item>>;

/// What may come, and how often.
#[derive(Debug, Clone, PartialEq)]
struct Item {
    what: What,
    least: u32,
    most: Option<u32>,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Text(String),
    /// As an expression.
    Class(String),
    /// By its number.
    Rule(usize),
    Group(Alternatives),
}

/// Whether a grammar is written in GBNF, not in Lark.
pub(super) fn is_gbnf(text: &str) -> bool {
    text.lines().any(|line| line.split_once("::=").is_some_and(|(name, _)| is_name(name.trim())))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_character)
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// The grammar in Lark; an error says in which line it is.
pub(super) fn to_lark(text: &str) -> Result<String, String> {
    let mut grammar = Parser::new(text).grammar()?;
    for rule in 0..grammar.rules.len() {
        unroll(rule, &mut grammar.rules[rule]);
    }
    let is_context = context_rules(&grammar.rules);
    let mut writer = Writer { is_context, out: String::new(), extra: String::new(), extras: 0 };
    let root = grammar.root;
    let _ = writeln!(writer.out, "start: {}", writer.name(root));
    for (rule, alternatives) in grammar.rules.iter().enumerate() {
        let body = match writer.is_context[rule] {
            true => writer.alternatives(alternatives),
            false => regular(alternatives),
        };
        let name = writer.name(rule);
        let _ = writeln!(writer.out, "{name}: {body}");
    }
    Ok(writer.out + &writer.extra)
}

struct Grammar {
    rules: Vec<Alternatives>,
    root: usize,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Rules by name, with the line in which each is first named.
    names: HashMap<&'a str, (usize, usize)>,
    rules: Vec<Option<Alternatives>>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, names: HashMap::new(), rules: Vec::new() }
    }

    fn grammar(mut self) -> Result<Grammar, String> {
        self.space(true);
        while self.at < self.text.len() {
            self.rule()?;
            self.space(true);
        }
        let Some((root, _)) = self.names.get("root").copied() else {
            return Err("has no rule \"root\", with which an answer begins".into());
        };
        let mut missing: Vec<_> =
            self.names.iter().filter(|(_, (rule, _))| self.rules[*rule].is_none()).collect();
        missing.sort_unstable_by_key(|(_, (_, line))| *line);
        if let Some((name, (_, line))) = missing.first() {
            return Err(format!("line {line}: there is no rule {name:?}"));
        }
        Ok(Grammar { rules: self.rules.into_iter().flatten().collect(), root })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn wrong(&self, what: impl std::fmt::Display) -> String {
        let line = self.text[..self.at].matches('\n').count() + 1;
        format!("line {line}: {what}")
    }

    /// Steps over blanks and comments, and over ends of lines where `lines` says so.
    fn space(&mut self, lines: bool) {
        while let Some(c) = self.peek() {
            match c {
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                ' ' | '\t' => self.at += 1,
                '\r' | '\n' if lines => self.at += 1,
                _ => return,
            }
        }
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let rest = self.rest();
        let end = rest.find(|c| !is_name_character(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.wrong("a rule's name is wanted here"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn number_of(&mut self, name: &'a str) -> usize {
        let line = self.text[..self.at].matches('\n').count() + 1;
        let next = self.rules.len();
        let (rule, _) = *self.names.entry(name).or_insert((next, line));
        if rule == next {
            self.rules.push(None);
        }
        rule
    }

    fn rule(&mut self) -> Result<(), String> {
        let name = self.name()?;
        let rule = self.number_of(name);
        self.space(false);
        if !self.eat("::=") {
            return Err(self.wrong(format_args!("\"::=\" is wanted after {name:?}")));
        }
        if self.rules[rule].is_some() {
            return Err(self.wrong(format_args!("there is a rule {name:?} already")));
        }
        self.space(true);
        let alternatives = self.alternatives(0)?;
        self.rules[rule] = Some(alternatives);
        match self.peek() {
            None | Some('\r' | '\n') => Ok(()),
            Some(c) => Err(self.wrong(format_args!("{c:?} is not expected here"))),
        }
    }

    fn alternatives(&mut self, depth: usize) -> Result<Alternatives, String> {
        if depth > NESTING {
            return Err(self.wrong("groups are too deep"));
        }
        let mut all = vec![self.sequence(depth)?];
        while self.eat("|") {
            self.space(true);
            all.push(self.sequence(depth)?);
        }
        Ok(all)
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<Item>, String> {
        let mut items: Vec<Item> = Vec::new();
        while let Some(c) = self.peek() {
            if let '*' | '+' | '?' | '{' = c {
                let (least, most) = self.repetition()?;
                let Some(item) = items.last_mut() else {
                    return Err(self.wrong(format_args!("{c:?} has nothing to repeat")));
                };
                *item = repeated(item.clone(), least, most);
            } else {
                let Some(what) = self.what(c, depth)? else { break };
                items.push(Item { what, least: 1, most: Some(1) });
            }
            self.space(depth > 0);
        }
        Ok(items)
    }

    fn what(&mut self, c: char, depth: usize) -> Result<Option<What>, String> {
        Ok(Some(match c {
            '"' => What::Text(self.literal()?),
            '[' => What::Class(self.class()?),
            '.' => {
                self.at += 1;
                What::Class("(?s:.)".into())
            }
            '(' => {
                self.at += 1;
                self.space(true);
                let group = self.alternatives(depth + 1)?;
                if !self.eat(")") {
                    return Err(self.wrong("\")\" is wanted here"));
                }
                What::Group(group)
            }
            '<' | '!' => {
                return Err(self.wrong("tokens cannot be named in GBNF here: write the grammar in Lark"));
            }
            c if is_name_character(c) => {
                let name = self.name()?;
                What::Rule(self.number_of(name))
            }
            _ => return Ok(None),
        }))
    }

    fn literal(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.wrong("the text has no end")),
                Some('"') => break self.at += 1,
                Some(_) => text.push(self.character()?),
            }
        }
        Ok(text)
    }

    fn class(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut class = String::from(if self.eat("^") { "[^" } else { "[" });
        let empty = class.len();
        loop {
            match self.peek() {
                None => return Err(self.wrong("the class of characters has no end")),
                Some(']') => break self.at += 1,
                Some(_) => {}
            }
            let first = self.character()?;
            let _ = write!(class, "\\u{{{:X}}}", u32::from(first));
            if self.rest().starts_with('-') && !self.rest().starts_with("-]") {
                self.at += 1;
                let last = self.character()?;
                if last < first {
                    return Err(self.wrong(format_args!("{first:?} comes after {last:?}")));
                }
                let _ = write!(class, "-\\u{{{:X}}}", u32::from(last));
            }
        }
        if class.len() == empty {
            return Err(self.wrong("the class of characters is empty"));
        }
        class.push(']');
        Ok(class)
    }

    fn character(&mut self) -> Result<char, String> {
        let c = self.take().ok_or_else(|| self.wrong("the grammar ends within a text"))?;
        if c != '\\' {
            return Ok(c);
        }
        let digits = match self.take() {
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some(c @ ('\\' | '"' | '[' | ']' | '-')) => return Ok(c),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            other => return Err(self.wrong(format_args!("there is no escape \\{}", other.unwrap_or(' ')))),
        };
        let code = self.rest().get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let Some(c) = code.and_then(char::from_u32) else {
            return Err(self.wrong(format_args!("{digits} digits of a character's number are wanted here")));
        };
        self.at += digits;
        Ok(c)
    }

    fn repetition(&mut self) -> Result<(u32, Option<u32>), String> {
        match self.take() {
            Some('*') => return Ok((0, None)),
            Some('+') => return Ok((1, None)),
            Some('?') => return Ok((0, Some(1))),
            _ => self.space(true),
        }
        let Some(least) = self.count()? else { return Err(self.wrong("a number is wanted here")) };
        let most = if self.eat(",") {
            self.space(true);
            self.count()?
        } else {
            Some(least)
        };
        if !self.eat("}") {
            return Err(self.wrong("\"}\" is wanted here"));
        }
        match most {
            Some(most) if most < least => Err(self.wrong(format_args!("{least} is more than {most}"))),
            most => Ok((least, most)),
        }
    }

    fn count(&mut self) -> Result<Option<u32>, String> {
        let rest = self.rest();
        let digits = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        if digits.is_empty() {
            return Ok(None);
        }
        let count = digits.parse().map_err(|_| self.wrong(format_args!("{digits} is too many")))?;
        self.at += digits.len();
        self.space(true);
        Ok(Some(count))
    }
}

/// What is repeated already is repeated as a group.
fn repeated(item: Item, least: u32, most: Option<u32>) -> Item {
    match (item.least, item.most) {
        (1, Some(1)) => Item { least, most, ..item },
        _ => Item { what: What::Group(vec![vec![item]]), least, most },
    }
}

/// `a ::= x a | y` is `(x)* y`: no recursion is needed for what comes back at its end.
fn unroll(rule: usize, alternatives: &mut Alternatives) {
    let flat = flattened(alternatives);
    let comes_back = |items: &[Item]| items.iter().any(|item| names(&item.what, rule));
    let itself = Item { what: What::Rule(rule), least: 1, most: Some(1) };
    let mut again = Vec::new();
    let mut end = Vec::new();
    for items in flat {
        match items.split_last() {
            Some((last, before)) if *last == itself && !comes_back(before) => again.push(before.to_vec()),
            _ if comes_back(&items) => return,
            _ => end.push(items),
        }
    }
    if !again.is_empty() {
        let again = Item { what: What::Group(again), least: 0, most: None };
        *alternatives = vec![vec![again, Item { what: What::Group(end), least: 1, most: Some(1) }]];
    }
}

/// The alternatives of a rule that is one group, perhaps an optional one.
fn flattened(alternatives: &Alternatives) -> Alternatives {
    match alternatives.as_slice() {
        [items] => match items.as_slice() {
            [Item { what: What::Group(group), least, most: Some(1) }] => {
                let mut group = flattened(group);
                if *least == 0 {
                    group.push(Vec::new());
                }
                group
            }
            _ => alternatives.clone(),
        },
        _ => alternatives.clone(),
    }
}

fn names(what: &What, rule: usize) -> bool {
    match what {
        What::Rule(named) => *named == rule,
        What::Group(group) => group.iter().flatten().any(|item| names(&item.what, rule)),
        _ => false,
    }
}

/// Of each rule whether it comes back to itself, or to one that does.
fn context_rules(rules: &[Alternatives]) -> Vec<bool> {
    // What is left when rules that name only finished ones are taken out again and again.
    let mut is_context = vec![true; rules.len()];
    loop {
        let before = is_context.clone();
        for (rule, alternatives) in rules.iter().enumerate() {
            is_context[rule] = is_context[rule]
                && !alternatives.iter().flatten().all(|item| is_regular(&item.what, &is_context));
        }
        if is_context == before {
            return is_context;
        }
    }
}

fn is_regular(what: &What, is_context: &[bool]) -> bool {
    match what {
        What::Rule(rule) => !is_context[*rule],
        What::Group(group) => group.iter().flatten().all(|item| is_regular(&item.what, is_context)),
        _ => true,
    }
}

/// A terminal's body.
fn regular(alternatives: &Alternatives) -> String {
    let written: Vec<String> = alternatives
        .iter()
        .filter(|items| !items.is_empty())
        .map(|items| items.iter().map(regular_item).collect::<Vec<_>>().join(" "))
        .collect();
    match (written.is_empty(), written.len() < alternatives.len()) {
        (true, _) => "\"\"".into(),
        (false, true) => format!("({})?", written.join(" | ")),
        (false, false) => written.join(" | "),
    }
}

fn regular_item(item: &Item) -> String {
    let body = match &item.what {
        What::Text(text) => Value::from(text.as_str()).to_string(),
        What::Class(class) => format!("/{class}/"),
        What::Rule(rule) => format!("R{rule}"),
        What::Group(group) => format!("({})", regular(group)),
    };
    body + &often(item)
}

fn often(item: &Item) -> String {
    match (item.least, item.most) {
        (1, Some(1)) => String::new(),
        (0, Some(1)) => "?".into(),
        (0, None) => "*".into(),
        (1, None) => "+".into(),
        (least, None) => format!("{{{least},}}"),
        (least, Some(most)) => format!("{{{least},{most}}}"),
    }
}

/// Writes the rules that come back to themselves.
struct Writer {
    is_context: Vec<bool>,
    out: String,
    /// Terminals for what stands side by side in them.
    extra: String,
    extras: usize,
}

impl Writer {
    /// Lark takes what is written large for a terminal.
    fn name(&self, rule: usize) -> String {
        if self.is_context[rule] { format!("r{rule}") } else { format!("R{rule}") }
    }

    fn alternatives(&mut self, alternatives: &Alternatives) -> String {
        let written: Vec<String> = alternatives.iter().map(|items| self.sequence(items)).collect();
        written.join(" | ")
    }

    fn sequence(&mut self, items: &[Item]) -> String {
        let mut written = Vec::new();
        let is_context = self.is_context.clone();
        for run in items.chunk_by(|a, b| is_regular(&a.what, &is_context) && is_regular(&b.what, &is_context))
        {
            if run.iter().all(|item| is_regular(&item.what, &is_context)) {
                written.push(self.terminal(run));
            } else {
                written.extend(run.iter().map(|item| self.item(item)));
            }
        }
        written.join(" ")
    }

    fn item(&mut self, item: &Item) -> String {
        let body = match &item.what {
            What::Rule(rule) => self.name(*rule),
            What::Group(group) => format!("({})", self.alternatives(group)),
            _ => return regular_item(item),
        };
        body + &often(item)
    }

    fn terminal(&mut self, run: &[Item]) -> String {
        if let [Item { what: What::Rule(rule), least: 1, most: Some(1) }] = run {
            return self.name(*rule);
        }
        let name = format!("X{}", self.extras);
        self.extras += 1;
        let _ = writeln!(self.extra, "{name}: {}", regular(&vec![run.to_vec()]));
        name
    }
}
