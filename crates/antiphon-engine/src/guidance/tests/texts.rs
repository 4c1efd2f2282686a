//! Expressions, choices and grammars: which texts can be written, and which not.

use super::{accepts, compiled, walk};
use crate::guidance::Grammar;
use crate::random::Random;

fn check(grammar: Grammar, yes: &[&str], no: &[&str]) {
    let compiled =
        compiled(grammar.clone()).unwrap_or_else(|error| panic!("{grammar:?}: {}", error.message()));
    for text in yes {
        assert!(accepts(&compiled.matcher, text), "{text:?} should follow {grammar:?}");
    }
    for text in no {
        assert!(!accepts(&compiled.matcher, text), "{text:?} should not follow {grammar:?}");
    }
    for seed in 0..5 {
        walk(&compiled.matcher, &mut Random::new(seed), 50).unwrap();
    }
}

#[test]
fn an_expression_is_the_whole_answer() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (r"\d{3}-\d+", &["123-4"], &["x123-4", "123-4x", "123-", ""]),
        (r"^\d+$", &["42"], &["42\n", "a"]),
        ("^a|b$", &["a", "b"], &["ab"]),
        ("a*?", &["", "aa"], &["b"]),
        (r"\p{Greek}+[äß]", &["αβγß"], &["abcß", "αβγ"]),
        (r"\w+", &["größe", "x_1"], &["a b"]),
        ("(?i)yes|no", &["YES", "No"], &["nO!"]),
        ("a/b\\.c\"", &["a/b.c\""], &["a/bxc\""]),
        (".+", &["a b"], &["a\nb", ""]),
        ("(?s).+", &["a\nb"], &[""]),
    ];
    for (regex, yes, no) in cases {
        check(Grammar::Regex((*regex).into()), yes, no);
    }
}

#[test]
fn a_choice_is_one_of_its_texts() {
    let choice = |texts: &[&str]| Grammar::Choice(texts.iter().map(|text| (*text).to_owned()).collect());
    check(choice(&["yes", "yes, but", "no"]), &["yes", "yes, but", "no"], &["yes,", "", "yesno"]);
    check(
        choice(&["größer", "日本", "🦀", "per\"haps\n\\"]),
        &["größer", "日本", "🦀", "per\"haps\n\\"],
        &["gr", "日"],
    );
    check(choice(&["", "a"]), &["", "a"], &["aa"]);
    check(choice(&["only"]), &["only"], &["onl"]);
}

#[test]
fn grammars_in_lark() {
    let lark = r#"
        start: sum
        sum: NUMBER | sum SIGN sum | "(" sum ")"
        SIGN: "+" | "-"   // two of them
        NUMBER: /[0-9]+/
    "#;
    check(Grammar::Context(lark.into()), &["1", "1+2", "(1-22)+3"], &["", "1+", "(1", "1 + 2"]);
}

#[test]
fn grammars_in_gbnf() {
    let json = r##"
# JSON, with rules that come back at their end
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4})
  )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= ([ \t\n] ws)?
"##;
    let chess = r#"
root ::= (
    "1. " move " " move "\n"
    ([1-9] [0-9]? ". " move " " move "\n")+   # and more
)
move ::= (pawn | nonpawn | castle) [+#]?
nonpawn ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
castle ::= "O-O" "-O"?
"#;
    let arithmetic = "root ::= (expr \"=\" term \"\\n\")+\nexpr ::= term ([-+*/] term)*\n\
        term ::= ident | num | \"(\" expr \")\"\nident ::= [a-z] [a-z0-9_]*\nnum ::= [0-9]+";
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            json,
            &["{}", "{ \"a\": [1, -2.5e+3 , \"x\\u00e4\\n\"],\n\"b\":{\"c\":null}} ", "{\"ä\":true}"],
            &["[]", "{\"a\"}", "{\"a\":01}", "{\"a\":1,}", "{} x", "{\"a\": \"\u{1}\"}"],
        ),
        (
            chess,
            &["1. e4 e5\n2. Nf3 Nc6\n", "1. e4 e5\n10. O-O O-O-O+\n"],
            &["1. e4 e5\n", "1. e9 e5\n2. a4 a5\n"],
        ),
        (arithmetic, &["a=b\n", "(x1+2)*3=y\n1=2\n"], &["a=\n", "(a=b\n", "a=b"]),
        ("root ::= \"a\" | \"ab\" \"c\"?\r\n", &["a", "ab", "abc"], &["ac", ""]),
        (
            "root ::= item{2} item{0,1} (\"-\" item){1,}\nitem ::= [あ-ん\\u4e00-\\U00004E05]",
            &["あん-一", "あんい-一-丁"],
            &["あ-一", "あんいう-一"],
        ),
        (
            "root ::= . [^\\]a-c-] \"\\x41\\\\\\\"\"",
            &["xdA\\\"", "\n\nA\\\""],
            &["xaA\\\"", "x-A\\\"", "x]A\\\""],
        ),
        ("root ::= |\n  \"a\" |\n  \"b\"", &["", "a", "b"], &["ab"]),
        ("root ::= x x\nx ::= \"a\"*", &["", "aaa"], &["b"]),
        ("root ::= \"(\" root \")\" | \"x\"", &["x", "((x))"], &["((x)", ""]),
        ("root ::= UP-per_1 +\nUP-per_1 ::= (\"a\" \"b\"?)?", &["", "aba"], &["b"]),
    ];
    for (grammar, yes, no) in cases {
        check(Grammar::Context((*grammar).into()), yes, no);
    }
}

#[test]
fn errors_in_gbnf_say_the_line() {
    for (grammar, expected) in [
        ("rot ::= \"a\"", "has no rule \"root\""),
        ("root ::= a\n\n", "line 1: there is no rule \"a\""),
        ("root ::= b\nb ::= c\n", "line 2: there is no rule \"c\""),
        ("root ::= \"a\"\n# x\nroot ::= \"b\"", "line 3: there is a rule \"root\" already"),
        ("root ::= \"a", "line 1: the text has no end"),
        ("root ::= [a", "line 1: the class of characters has no end"),
        ("root ::= []", "line 1: the class of characters is empty"),
        ("root ::= [z-a]", "line 1: 'z' comes after 'a'"),
        ("root ::= \"\\q\"", "line 1: there is no escape \\q"),
        ("root ::= \"\\u12\"", "line 1: 4 digits of a character's number"),
        ("root ::= (\"a\"\n", "line 2: \")\" is wanted here"),
        ("root ::= *", "line 1: '*' has nothing to repeat"),
        ("root ::= \"a\"{3,2}", "line 1: 3 is more than 2"),
        ("root ::= \"a\"{x}", "line 1: a number is wanted"),
        ("root ::= \"a\"{99999999999}", "line 1: 99999999999 is too many"),
        ("root ::= <think>", "line 1: tokens cannot be named"),
        ("root ::= \"a\" )", "line 1: ')' is not expected here"),
        ("root ::= \"a\"\nx \"b\"", "line 2: \"::=\" is wanted after \"x\""),
    ] {
        let error = compiled(Grammar::Context(grammar.into())).err().unwrap();
        assert!(error.message().contains(expected), "{grammar}: {}", error.message());
        assert!(error.message().starts_with("form: "), "{}", error.message());
    }
}
