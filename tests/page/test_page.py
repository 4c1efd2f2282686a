"""The page of `antiphon serve` in a browser: what it shows, its playground, its keys, and how it looks."""

import re
from types import SimpleNamespace

import pytest
from upstreams import faultd

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

ENDLESS = faultd.stream([f"{n} " for n in range(2000)], every_ms=20)

# Names what a field or a button is called for who does not see it.
NAMELESS = """
nodes => nodes
  .filter(node => !node.labels?.length && !node.ariaLabel && !node.textContent.trim())
  .map(node => node.outerHTML)
"""

# The contrast of every text that is seen with what is behind it, where that is too little.
FAINT = """
() => {
  const parse = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const { rgb, a } = parse(getComputedStyle(node).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
    if (!own || !node.checkVisibility() || node.closest(":disabled, noscript")) continue;
    const [one, other] = [light(parse(getComputedStyle(node).color).rgb), light(behind(node))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) faint.push(`${node.tagName} ${node.className}: ${contrast.toFixed(2)}`);
  }
  return faint;
}
"""

FOCUSED = """
() => {
  const node = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  const name = node.id || node.className || node.tagName.toLowerCase();
  return [name, outlineStyle !== "none" && parseFloat(outlineWidth) >= 1];
}
"""


def choose(page, model):
    """A model of the list, or any by its name."""
    expect(page.locator("#model option").nth(1)).to_be_attached()
    if model in page.locator("#model option").all_inner_texts():
        page.select_option("#model", model)
    else:
        page.select_option("#model", label="Other…")
        page.fill("#other-model", model)


def send(page, model, prompt):
    choose(page, model)
    page.fill("#prompt", prompt)
    page.press("#prompt", "Control+Enter")


def answer(page):
    return page.locator(".turn.assistant").last


def is_over(page):
    expect(page.locator("#log")).to_have_attribute("aria-busy", "false")


def test_it_loads_quietly(visit, server):
    page = visit(server)
    expect(page.locator("#connection")).to_have_text("live")
    expect(page).to_have_title("antiphon")
    expect(page.locator("#version")).to_have_text(re.compile(r"\d+\.\d+"))
    expect(page.locator("#models")).to_contain_text("local/chorister")
    expect(page.locator("#key-panel")).to_be_hidden()
    expect(page.locator("#forget-key")).to_be_hidden()
    assert page.evaluate("Object.keys(sessionStorage).concat(Object.keys(localStorage))") == []


def test_it_works_below_the_prefix_of_llm_engine(visit, server):
    page = visit(server)
    page.goto(server.url + "/llm-engine/")
    expect(page.locator("#connection")).to_have_text("live")
    send(page, "house", "hi")
    expect(answer(page)).to_contain_text("Hello there")


def test_numbers_follow_the_calls(visit, server, ask):
    page = visit(server)
    expect(page.locator("#requests")).to_have_text(re.compile(r"^\d+$"))
    before = int(page.inner_text("#requests"))
    _, whole = ask(server.url, "house")
    _, streamed = ask(server.url, "house", stream=True)
    status, failed = ask(server.url, "broken/m")
    assert status == 500
    expect(page.locator("#requests")).to_have_text(str(before + 3))
    rows = page.locator("#recent tr")
    for n, request in enumerate([failed, streamed, whole]):
        expect(rows.nth(n).locator("td").last).to_have_text(request)
    expect(rows.nth(0)).to_contain_text("500 InternalServerError")
    house = page.locator("#models tr", has=page.locator("th", has_text=re.compile("^house$")))
    expect(house.locator("td").nth(2)).to_have_text(re.compile(r"^[1-9]"))
    broken = page.locator("#models tr", has_text="broken/m")
    expect(broken).to_contain_text(re.compile("1 . InternalServerError"))
    expect(page.locator("#latency")).to_have_text(re.compile(r" m?s$"))
    expect(page.locator("#first-token")).to_have_text(re.compile(r" m?s$"))
    assert page.locator("#pace-line polyline").get_attribute("points")


def test_the_playground_streams(visit, serve):
    server, _ = serve(faultd.stream(["a", "b", "c", "d"], every_ms=800))
    page = visit(server)
    send(page, "up/m", "go")
    text = answer(page).locator(".text")
    expect(text).to_have_text(re.compile("^a(bc?)?$"))
    expect(page.locator("#log")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#send")).to_be_disabled()
    expect(page.locator("#in-flight")).to_have_text("1")
    expect(text).to_have_text("abcd")
    is_over(page)
    figures = answer(page).locator(".figures")
    for words in ("first token", "tokens/s", "9 in / 4 out", "stop"):
        expect(figures).to_contain_text(words)
    expect(page.locator("#prompt")).to_have_value("")
    expect(page.locator("#prompt")).to_be_focused()


def test_the_built_in_model_answers(visit, server):
    page = visit(server)
    send(page, "fast", "What is the capital of France?")
    expect(answer(page)).to_contain_text("Paris")
    is_over(page)


@pytest.mark.parametrize("how", ["escape", "button", "clear", "leaving"])
def test_stop_ends_the_call_upstream(visit, serve, how):
    server, upstream = serve(ENDLESS)
    page = visit(server)
    send(page, "up/m", "count")
    expect(answer(page).locator(".text")).to_contain_text("9")
    if how == "escape":
        page.keyboard.press("Escape")
    elif how == "leaving":
        page.goto("about:blank")
    else:
        page.click(f"#{'stop' if how == 'button' else how}")
    assert upstream.wait(closed=1, within=2)
    if how == "clear":
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator("#prompt")).to_have_value("")
    elif how != "leaving":
        is_over(page)
        expect(answer(page)).to_contain_text("0 1 2 3")
        expect(answer(page).locator(".figures")).to_contain_text("stopped")
        expect(page.locator("#prompt")).to_be_focused()
        expect(page.locator("#recent tr").first).to_contain_text("cancelled")


def test_a_conversation_and_its_parameters_are_sent(visit, serve):
    server, upstream = serve(faultd.text("Fine."))
    page = visit(server)
    page.click("summary")
    page.fill("#system", "Be brief.")
    page.fill("#temperature", "0.5")
    page.fill("#max-tokens", "20")
    send(page, "up/m", "How are you?")
    is_over(page)
    send(page, "up/m", "And now?")
    expect(page.locator(".turn")).to_have_count(4)
    is_over(page)
    first, second = upstream.bodies()
    assert (first["temperature"], first["max_tokens"], first["stream"]) == (0.5, 20, True)
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    contents = [message["content"] for message in second["messages"]]
    assert contents == ["Be brief.", "How are you?", "Fine.", "And now?"]
    page.click("#clear")
    send(page, "up/m", "Anew")
    is_over(page)
    assert len(upstream.bodies()[-1]["messages"]) == 2


@pytest.mark.parametrize(
    ("model", "status", "message"),
    [
        ("broken/m", 500, "it broke"),
        ("crowded/m", 400, "it is longer than 8 tokens"),
        ("local/nobody", 404, 'model: there is no "local/nobody"'),
        ("", 400, "model"),
    ],
)
def test_an_error_is_shown_as_the_server_says_it(visit, server, model, status, message):
    page = visit(server, expects=[status])
    send(page, model, "hi")
    expect(answer(page).locator(".error")).to_contain_text(message)
    expect(answer(page).locator(".figures")).to_contain_text("request ")
    is_over(page)
    # It can be sent again as it is, and what failed is no part of the conversation.
    expect(page.locator("#prompt")).to_have_value("hi")
    page.select_option("#model", "house")
    page.press("#prompt", "Control+Enter")
    expect(answer(page)).to_contain_text("Hello there")


def test_an_answer_that_is_cut_keeps_what_came(visit, server):
    page = visit(server)
    send(page, "cut/m", "hi")
    expect(answer(page).locator(".error")).not_to_be_empty()
    expect(answer(page).locator(".text")).to_have_text("Hello")


def test_nothing_becomes_markup(visit, serve, ask):
    markup = '<img src="x" onerror="alert(1)"><script>alert(2)</script>'
    server, _ = serve(faultd.text(markup))
    ask(server.url, markup)
    page = visit(server)
    expect(page.locator("#recent")).to_contain_text(markup)
    send(page, "up/m", markup)
    expect(answer(page).locator(".text")).to_have_text(markup)
    expect(page.locator(".turn.user .text")).to_have_text(markup)
    assert page.locator("main img, main script").count() == 0


def test_a_key_is_asked_for(visit, keyed):
    page = visit(keyed, expects=[401])
    expect(page.locator("#key-panel")).to_be_visible()
    expect(page.locator("#board")).to_be_hidden()
    expect(page.locator("#key")).to_be_focused()
    expect(page.locator("#key-error")).to_be_empty()
    page.keyboard.type("wrong-é")
    page.keyboard.press("Enter")
    expect(page.locator("#key-error")).to_contain_text("none of this server's")
    page.keyboard.type("canary-key-all")
    page.keyboard.press("Enter")
    expect(page.locator("#board")).to_be_visible()
    expect(page.locator("#prompt")).to_be_focused()
    assert "canary" not in page.url
    assert "canary" not in page.content()
    assert page.evaluate("Object.keys(localStorage).length") == 0
    send(page, "house", "hi")
    expect(answer(page)).to_contain_text("Hello there")
    page.reload()
    expect(page.locator("#board")).to_be_visible()
    page.click("#forget-key")
    expect(page.locator("#key-panel")).to_be_visible()
    assert page.evaluate("Object.keys(sessionStorage).length") == 0


def test_a_key_of_one_model_shows_that_one(visit, keyed, ask):
    for model in ("house", "fast"):
        assert ask(keyed.url, model, key="canary-key-all")[0] == 200
    page = visit(keyed, expects=[401])
    page.fill("#key", "canary-key-few")
    page.press("#key", "Enter")
    expect(page.locator("#requests")).to_have_text("1")
    expect(page.locator("#models tr")).to_have_count(1)
    expect(page.locator("#recent tr")).to_have_count(1)
    expect(page.locator("#in-flight")).to_have_text("\N{EN DASH}")
    expect(page.locator("#model option")).to_have_text(["house", "Other…"])


def test_a_server_that_is_gone_is_said_and_found_again(visit, server):
    page = visit(server, expects=["net::ERR_FAILED"])
    expect(page.locator("#connection")).to_have_text("live")
    page.route("**/status", lambda route: route.abort())
    expect(page.locator("#connection")).to_have_text("not connected")
    expect(page.locator("#notice")).to_contain_text("tried again")
    page.unroute("**/status")
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_name_that_is_not_of_this_machine_is_refused_in_words(visit, server):
    named = SimpleNamespace(url=server.url.replace("127.0.0.1", "elsewhere.test"))
    page = visit(named, expects=[403])
    expect(page.locator("#notice")).to_contain_text("a server without keys answers this machine only")
    expect(page.locator("#board")).to_be_hidden()


def test_reasoning_stands_apart(visit, server):
    page = visit(server)
    send(page, "reasoning-stream/m", "think")
    expect(answer(page).locator(".reasoning")).not_to_be_empty()
    is_over(page)
    expect(answer(page).locator(".text").last).not_to_be_empty()


def test_the_keyboard_is_enough(visit, server):
    page = visit(server, viewport={"width": 1280, "height": 800})
    expect(page.locator("#model option").nth(1)).to_be_attached()
    order = []
    for _ in range(9):
        page.keyboard.press("Tab")
        name, is_seen = page.evaluate(FOCUSED)
        assert is_seen, name
        order.append(name)
    assert order == ["jump", "scroll", "scroll tall", "clear", "model", "summary", "log", "prompt", "send"]
    for _ in range(4):
        page.keyboard.press("Shift+Tab")
    page.keyboard.type("house")
    expect(page.locator("#model")).to_have_value("house")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#system")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.user .text")).to_have_text("one\ntwo")
    expect(answer(page)).to_contain_text("Hello there")
    expect(page.locator("#prompt")).to_be_focused()


def test_everything_has_a_name(visit, server):
    page = visit(server)
    page.click("summary")
    assert page.locator("input, select, textarea, button").evaluate_all(NAMELESS) == []
    log = page.locator("#log")
    assert (log.get_attribute("role"), log.get_attribute("aria-live")) == ("log", "polite")
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1440])
def test_it_can_be_read(visit, server, ask, tmp_path, scheme, width):
    ask(server.url, "openai/" + "long-name-" * 9)
    ask(server.url, "broken/m")
    page = visit(server, expects=[500], color_scheme=scheme, viewport={"width": width, "height": 900})
    page.click("summary")
    send(page, "fast", "What is the capital of France?")
    is_over(page)
    send(page, "broken/m", "Why? " + "x" * 200)
    expect(answer(page).locator(".error")).to_have_text("it broke")
    expect(page.locator("#recent tr").first).to_contain_text("500")
    page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)
    print(f"a picture of it: {tmp_path}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(FAINT) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    is_light = sum(map(int, re.findall(r"\d+", background)[:3])) > 3 * 128
    assert is_light == (scheme == "light")


def test_nothing_moves_for_who_wants_no_motion(visit, server, ask):
    page = visit(server, reduced_motion="reduce")
    expect(page.locator("#connection")).to_have_text("live")
    ask(server.url, "house")
    expect(page.locator("#recent tr").first).to_contain_text("house")
    moving = page.evaluate("document.getAnimations().length")
    assert moving == 0


def test_a_page_that_is_not_seen_asks_for_nothing(visit, server):
    page = visit(server)
    expect(page.locator("#connection")).to_have_text("live")
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true})"
    tell = "document.dispatchEvent(new Event('visibilitychange'))"
    asked = []
    page.evaluate(f"{hide % 'true'}; {tell}")
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    assert asked == []
    page.evaluate(f"{hide % 'false'}; {tell}")
    page.wait_for_timeout(500)
    assert len(asked) == 1
