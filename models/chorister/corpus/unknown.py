"""Questions outside the model's world: many and wide, for a confident wrong answer is its worst fault."""

from __future__ import annotations

from random import Random

from . import invent, unsure
from .document import Document, chat
from .grammar import noisy, pick

FAMOUS = (
    "Napoleon",
    "Einstein",
    "Shakespeare",
    "Mozart",
    "Beethoven",
    "Leonardo da Vinci",
    "Cleopatra",
    "Julius Caesar",
    "Marie Curie",
    "Isaac Newton",
    "Charles Darwin",
    "Queen Victoria",
    "George Washington",
    "Abraham Lincoln",
    "Gandhi",
    "Nelson Mandela",
    "Elvis Presley",
    "Madonna",
    "Michael Jackson",
    "Taylor Swift",
    "Lionel Messi",
    "Roger Federer",
    "Barack Obama",
    "Donald Trump",
    "Angela Merkel",
    "Elon Musk",
    "Bill Gates",
    "Steve Jobs",
    "Alan Turing",
    "Ada Lovelace",
    "Galileo",
    "Columbus",
    "Marco Polo",
    "Picasso",
    "Van Gogh",
    "Rembrandt",
    "Goethe",
    "Tolstoy",
    "Mark Twain",
    "Jane Austen",
    "Agatha Christie",
    "Tom Hanks",
    "Brad Pitt",
    "Beyoncé",
    "Rihanna",
    "Cristiano Ronaldo",
    "Serena Williams",
    "Socrates",
    "Plato",
    "Aristotle",
    "Confucius",
    "Kant",
    "Nietzsche",
    "Harry Potter",
    "Batman",
    "Superman",
    "Sherlock Holmes",
    "Darth Vader",
    "James Bond",
    "Mickey Mouse",
    "Frodo",
    "King Arthur",
    "Robin Hood",
    "Zeus",
    "Thor",
    "Genghis Khan",
    "Joan of Arc",
    "Henry VIII",
    "Louis XIV",
    "Stalin",
    "Churchill",
    "Kennedy",
    "Neil Armstrong",
    "Freud",
    "Marx",
    "Dante",
    "Homer",
    "Bach",
)
WORKS = (
    "Hamlet",
    "the Mona Lisa",
    "War and Peace",
    "the Odyssey",
    "Romeo and Juliet",
    "Star Wars",
    "the Bible",
    "Titanic",
    "The Matrix",
    "Don Quixote",
    "Moby Dick",
    "the Ninth Symphony",
    "The Starry Night",
    "Faust",
    "The Great Gatsby",
    "Pride and Prejudice",
    "Frozen",
    "The Lord of the Rings",
    "Bohemian Rhapsody",
    "Yesterday",
    "Imagine",
    "Guernica",
    "The Scream",
    "The Magic Flute",
    "Carmen",
    "Jaws",
    "Inception",
    "Avatar",
    "Casablanca",
    "The Godfather",
    "1984",
    "Ulysses",
)
INVENTIONS = (
    "the telephone",
    "the light bulb",
    "the printing press",
    "the steam engine",
    "the wheel",
    "penicillin",
    "the radio",
    "the aeroplane",
    "the bicycle",
    "dynamite",
    "the computer",
    "the zip",
    "gunpowder",
    "paper",
    "the telescope",
    "America",
    "radium",
    "Python",
    "Linux",
    "the web",
    "chess",
    "the piano",
    "the sandwich",
    "the transistor",
    "the car",
    "the camera",
    "television",
    "vaccines",
    "the microscope",
    "football",
    "the toothbrush",
    "Bitcoin",
)
EVENTS = (
    "the French Revolution",
    "World War II",
    "World War I",
    "the Second World War",
    "the Cold War",
    "the moon landing",
    "the Battle of Hastings",
    "the Olympics",
    "the World Cup",
    "the American Civil War",
    "the Industrial Revolution",
    "the Renaissance",
    "the Black Death",
    "the fall of the Berlin Wall",
    "Brexit",
    "the Battle of Waterloo",
    "the Boston Tea Party",
    "the Crusades",
    "the Great Fire of London",
    "Watergate",
    "the sinking of the Titanic",
    "the Super Bowl",
    "the Vietnam War",
    "the Norman Conquest",
    "the fall of Rome",
    "the gold rush",
    "the Eurovision Song Contest",
    "Woodstock",
    "the Big Bang",
    "the Ice Age",
)
OTHER_NOUNS = (
    "serendipity",
    "gregarious",
    "obsolete",
    "zeal",
    "quaint",
    "lucid",
    "ephemeral",
    "candour",
    "frugal",
    "nimble",
    "wistful",
    "verbose",
)
TOPICS = (
    "quantum mechanics",
    "quantum entanglement",
    "general relativity",
    "string theory",
    "black holes",
    "dark matter",
    "nuclear fusion",
    "blockchain",
    "Bitcoin",
    "inflation",
    "the stock market",
    "mortgages",
    "taxes",
    "existentialism",
    "stoicism",
    "Buddhism",
    "feudalism",
    "communism",
    "capitalism",
    "Keynesian economics",
    "game theory",
    "machine learning",
    "neural networks",
    "transformers",
    "gradient descent",
    "reinforcement learning",
    "cryptography",
    "public keys",
    "TCP",
    "DNS",
    "HTTP",
    "Kubernetes",
    "Docker",
    "Rust lifetimes",
    "monads",
    "closures",
    "recursion",
    "the halting problem",
    "Gödel's theorem",
    "the Riemann hypothesis",
    "prime numbers",
    "calculus",
    "matrices",
    "eigenvalues",
    "the Pythagorean theorem",
    "Bayes' theorem",
    "standard deviation",
    "the central limit theorem",
    "osmosis",
    "mitosis",
    "evolution",
    "CRISPR",
    "stem cells",
    "the immune system",
    "diabetes",
    "cancer",
    "migraine",
    "vaccines",
    "antibiotics",
    "the liver",
    "kidneys",
    "hormones",
    "insulin",
    "cholesterol",
    "plate boundaries",
    "the ozone layer",
    "acid rain",
    "coral reefs",
    "dinosaurs",
    "fossils",
    "the Ice Age",
    "radioactivity",
    "X-rays",
    "lasers",
    "superconductors",
    "semiconductors",
    "transistors",
    "jet engines",
    "diesel engines",
    "gearboxes",
    "satellites",
    "GPS",
    "radar",
    "sonar",
    "3D printing",
    "the Higgs boson",
    "quarks",
    "entropy",
    "thermodynamics",
    "chess openings",
    "the offside rule",
    "cricket",
    "baseball",
    "yoga",
    "knitting",
    "origami",
    "photography",
    "oil painting",
    "jazz",
    "counterpoint",
    "opera",
    "rap",
    "the Roman Senate",
    "the Magna Carta",
    "the feudal system",
    "the Silk Road",
    "samurai",
    "Vikings",
    "pyramids",
    "the Great Wall",
    "hieroglyphs",
    "Stonehenge",
    "insurance",
    "copyright",
    "patents",
    "contract law",
    "marketing",
    "supply chains",
    "hedge funds",
    "bonds",
    "venture capital",
    "the gold standard",
    "trade unions",
    "perfume",
    "wine tasting",
    "beer brewing",
    "leather",
    "porcelain",
    "cement",
    "plastic",
    "steel",
    "aluminium",
    "nylon",
    "rubber",
    "concrete",
    "soap operas",
    "memes",
)
WHY_UNKNOWN = (
    (
        "why {is|was|are|were} <n> {famous|so popular|important|red|closed|so expensive|haunted|called "
        "that|banned}?"
    ),
    "why did <n> {lose|win|fail|close|leave|resign|die|happen}?",
    "how {does|did} {a|the} <w> work?",
    "why do <w>s {glow|sing|break|dance|explode|smell|spin}?",
    "what is a <w>?",
    "what {does|is} <w>{ mean|}?",
    "define <w>",
    "what are <w>s for?",
    "what's the meaning of {the word |}<w>?",
    "what is the definition of <w>?",
    "explain {the theory of |}<w>.",
    "how do I use a <w>?",
    "have you heard of <w>?",
    "where can I {find|buy} a <w>?",
    "how is a <w> made?",
    "what does a <w> {look like|eat|cost|do}?",
)
FACT_UNKNOWN = (
    "who {is|was} <p>?",
    "who {is|was} <p>?",
    "when was <p> born?",
    "when did <p> die?",
    "where {was <p> born|does <p> live|did <p> grow up}?",
    "how old is <p>?",
    "what did <p> {do|write|invent|discover|say|win}?",
    "tell me about <p>.",
    "who is <p>'s {wife|husband|mother|father|brother|boss|friend|coach}?",
    "how {tall|rich|old|famous} is <p>?",
    "what is <p> {famous|known} for?",
    "is <p> {married|alive|dead|rich}?",
    "what do you know about <p>?",
    "did <p> {win|leave|resign|cheat|get married|divorce}?",
    "who {played|killed|married|succeeded|defeated|taught} <p>?",
    "<p>?",
    "what is <p>'s {job|age|net worth|real name|best song|latest film|birthday}?",
    "{give me|write} a {biography|short biography} of <p>",
    "what happened to <p>?",
    "{do you know|have you heard of} <p>?",
    "which team does <p> play for?",
    "what party {is|was} <p> in?",
)
WORK_UNKNOWN = (
    (
        "who {wrote|made|painted|directed|composed|sang|starred in|is the author of|played the lead in|"
        "produced} <k>?"
    ),
    "when was <k> {written|made|painted|released|published}?",
    "what is <k> about?",
    "summarise <k>{.|}",
    "how does <k> end?",
    "who is the main character {of|in} <k>?",
    "how many {pages|chapters|copies|seasons} does <k> have?",
    "is <k> {good|worth it|a true story}?",
    "where is <k>{ kept|}?",
    "who dies in <k>?",
    "quote a line from <k>.",
    "who is the {author|director|composer|painter} of <k>?",
)
EVENT_UNKNOWN = (
    "when {was|did} <e>{ happen| start| end|}?",
    "who won <e>?",
    "what caused <e>?",
    "in {what|which} year {was|did} <e>{ take place|}?",
    "why did <e> {happen|start|end}?",
    "where {was|did} <e>{ take place|}?",
    "how long did <e> last?",
    "how many people died in <e>?",
    "tell me about <e>.",
    "what happened {in|during|after} <e>?",
    "what was <e>?",
    "who {started|led|survived} <e>?",
    "what happened in {the year |}<y>?",
    "what happened on <d>?",
    "who won <e> in <y>?",
    "who was {president|king|pope|emperor|prime minister|world champion} in <y>?",
    "what was invented in <y>?",
    "what is special about {the year |}<y>?",
    "which film won the Oscar in <y>?",
    "who won the Nobel Prize in <y>?",
)
INVENTION_UNKNOWN = (
    "who {invented|discovered|made|created|built|developed} <i>?",
    "when was <i> {invented|discovered|made|created|built}?",
    "who is the inventor of <i>?",
    "where was <i> invented?",
    "what year was <i> invented?",
    "how was <i> {invented|discovered}?",
)
CURRENT_UNKNOWN = (
    "what {time|day|date|year|month} is it{ now| today|}?",
    "what is today's date?",
    "what is the {time|date}?",
    "what's the weather{ like|}{ today| tomorrow| now| in <c>|}?",
    "will it rain {today|tomorrow|in <c>}?",
    "is it {raining|snowing|sunny|cold} {outside|in <c>}?",
    "what {is|are} the {latest |}news{ today|}?",
    "who won the {game|match|election|race|league} {yesterday|last night|last week|this year|on Sunday}?",
    "what is the price of {gold|oil|Bitcoin|a <b>|bread|petrol}{ today|}?",
    "what is the stock price of <b>?",
    "how is the stock market{ doing| today|}?",
    "what is the exchange rate {of|between} the {euro|dollar} and the {yen|pound}?",
    "who is the {president|prime minister|king|pope|chancellor}{ now| today| of the world|}?",
    "what's on TV {tonight|today}?",
    "what are the opening hours of {the museum|<b>|the library|the zoo}?",
    "when does the {next |}{train|bus|flight} {leave|to <c> leave|arrive}?",
    "is {the shop|the museum|the bank|<b>} open {today|now|on Sunday}?",
    "what is trending{ now| today|}?",
    "who will win the {election|World Cup|match|game|race}?",
    "what will happen {tomorrow|next year|in <y>}?",
    "when will {the world end|<e> take place|it rain|aliens come|I die}?",
    "what are tomorrow's lottery numbers?",
    "how many people are {online|on Earth|in <c>} {now|right now}?",
    "temperature in <c>?",
    "is there {traffic|a storm|a strike} in <c>{ today|}?",
    "how much does a flight to <c> cost?",
    "what's happening in <c>{ today|}?",
    "what is the current {temperature|time|price|score|population}{ in <c>|}?",
    "what's the score{ of the game|}?",
    "weather <c>",
    "time in <c>?",
    "latest news about <b>?",
    "look up <b> {online|on the internet|for me}",
    "search the {web|internet} for <t>",
    "open {google|youtube|the browser|my mail}",
    "what is the forecast for {tomorrow|the weekend|<c>}?",
    "who is winning {now|the match}?",
)
TASK_UNKNOWN = (
    (
        "write {a|some} {Python|Rust|C|Java|JavaScript|SQL|bash} {function|program|script|code|query} "
        "{that|to|which} {sorts a list|reads a file|reverses a string|prints primes|parses JSON|adds "
        "numbers|finds the maximum|connects to a database}."
    ),
    (
        "how do I {sort a list|read a file|open a socket|write a loop|use a dictionary|catch an exception|"
        "install a package|declare a variable} in {Python|Rust|C|Java|JavaScript|Go|PHP|Haskell}?"
    ),
    (
        "what does {this code|`x = [i for i in y]`|def f(x): return x|SELECT * FROM users|git rebase|chmod "
        "755|sudo rm|import os} {do|mean}?"
    ),
    "fix {this|my} {code|bug|program|script}{: print(x|: for i in range(10)|}",
    "why does my {code|program|script|build|test} {fail|crash|not compile|hang}?",
    (
        "what is a {pointer|segmentation fault|null pointer exception|stack overflow|memory leak|race "
        "condition|compiler|linked list|hash map|decorator|mutex|lambda}?"
    ),
    "debug this for me",
    "convert this {code|script} to {Rust|Python|Java}",
    (
        "how {do|can} I {fix|repair|clean|install|replace|paint|build|sell|hack|tune|oil|open|reset} {my|a|"
        "the} {car|sink|phone|laptop|roof|bike|window|door|printer|router|washing machine|boiler|guitar|"
        "password|account|wall}?"
    ),
    (
        "write {an essay|a novel|a speech|a letter|an email|a report|a song|a press release|a business "
        "plan|a CV|a cover letter|a blog post|a review|a script} {about <t>|to my boss|for my company|on "
        "<t>|for <p>|}"
    ),
    "summarise {this article|this book|the text|the meeting|<t>} for me",
    "translate this {page|text|letter|document} for me",
    (
        "{draw|paint|sketch|make|generate} {me |}a {picture|logo|diagram|photo|chart|map|video} of {a cat|"
        "<t>|a house|<p>}"
    ),
    "{play|sing|hum} {some music|a song|<k>}{ for me|}",
    "{set|start} {a timer|an alarm} for <n> minutes",
    (
        "{book|order|buy|find|reserve} {me |}{a table|a flight|a hotel|a pizza|a taxi|tickets}{ for <n>|}{ "
        "in <c>|}"
    ),
    "{send|write} {an email|a message|a text} to <p>",
    "{call|phone|ring} <p>",
    "{remind me to|schedule} {call <p>|a meeting|buy milk|go to the dentist}",
    "turn {on|off} the {light|lights|heating|TV|music}",
    "should I {invest in|buy|sell} <b>?",
    (
        "what is the best {phone|laptop|car|film|book|game|camera|restaurant|hotel|programming language|"
        "bank|diet|insurance}?"
    ),
    "{is|are} {my mole|this rash|my headache|my cough|my chest pain} dangerous?",
    "what {medicine|pills} should I take for {a headache|a cold|fever|back pain}?",
    "how many {milligrams|tablets} of <w> can I take?",
    "can I sue my {landlord|boss|neighbour}?",
    (
        "how do I {get rich|lose weight|find a job|get a visa|file my taxes|become famous|learn piano|win "
        "at poker|make friends}?"
    ),
    "prove that {there are infinitely many primes|root 2 is irrational|P is not NP}",
    "solve {x^2 + 3x = 5|for x|this equation|this puzzle|this riddle}",
    "what did <p> {say|mean|tell you}{ about <t>|}?",
    "{compare|what is the difference between} <t> and <u>{?|}",
    "what are the {pros and cons|advantages|dangers|types|causes|symptoms|benefits} of <t>?",
    "what is the history of <t>?",
    "who {invented|founded|discovered} <t>?",
    "what do {scientists|critics|experts} say about <t>?",
    "recommend {a|a good|me a} {book|film|song|game|podcast|restaurant|hotel}{ about <t>| in <c>|}",
    (
        "what is the {longest|oldest|deepest|largest|smallest|richest|fastest} {river|building|bridge|lake|"
        "city|company|tree|word|train|computer|cave|desert|island|war}{ in the world| in <c>|}?"
    ),
    "how far is {<c> from <d>|it to <c>|the Moon|Mars}?",
    "how many {calories|grams of sugar|carbs} {are in|does} {a banana|an apple|<w>|a pizza}{ have|}?",
    (
        "how {tall|high|long|heavy|old|deep|fast} is {the Eiffel Tower|Big Ben|the Nile|a <w>|the Titanic|"
        "a rhino|the Great Wall|an oak|the Statue of Liberty|a cheetah}?"
    ),
    "how many {bones|muscles|hairs|teeth} {does a human have|are in the body|does a shark have}?",
    (
        "what is the {chemical symbol|atomic number|melting point|density} of {gold|iron|silver|helium|"
        "lead|<w>}?"
    ),
    "what is the speed of {light|sound|a cheetah}?",
    "how far away is the {Sun|Moon|nearest star}?",
    "what is the {zip code|postcode|area code|phone number|address|population|mayor} of {<c>|<b>|<p>}?",
    "who is the {mayor|bishop|founder|owner|boss|CEO|director|manager} of {<c>|<b>}?",
    "how many {employees|shops|users|customers} does <b> have?",
    "what {does|is} <b>{ sell| make| do|}?",
    "is <b> {good|safe|better than <w>|a good company}?",
    "how much {is|does} {a|the} <b>{ cost|}?",
    "where {can I buy|is} <b>?",
    "when {was <b> founded|did <b> come out|will <b> be released}?",
    "what are the features of {the |}<b>?",
    "how do I {use|install|return|charge|reset} my <b>?",
    (
        "what {does the fox say|is the airspeed of a swallow|has four wheels and flies|walks on four legs "
        "in the morning}?"
    ),
    "what number am I thinking of?",
    "how many {stars|grains of sand|ants|fish|words|people} are there{ in the world|}?",
    "is there life on {Mars|other planets}?",
    "do {ghosts|aliens|unicorns|dragons} exist?",
    "who was the first {man|woman|person} {on the moon|in space|to climb Everest}?",
    "who is the {richest|tallest|oldest|fastest|strongest} {man|woman|person} {in the world|alive|in <c>}?",
    "what rhymes with {orange|<w>|month}?",
    "spell {<w>|onomatopoeia|rhythm}",
    "what is the {capital|currency|language} of {the company|my street|love|<p>}?",
)
RAW_TASKS = (
    "TODO: {fix|write|check} the {tests|docs|build}",
    "lorem ipsum dolor sit amet",
    "asdf",
    "qwertz",
    "<w> <v>",
    "<w> <v> <w>?",
    "blah blah",
    "xyz",
    "<w>",
    "foo bar",
    "??",
    "???",
    "...",
    "42",
    "<n>",
    "idk",
    "banana phone <w>",
    "the <w> of <v>",
)


NOUNS = (  # noqa: SIM905
    "violin carpet lawyer engine castle ladder wallet dragon museum bridge tractor pillow candle "
    "pirate blanket tunnel sculpture "
    "orchestra parliament submarine helicopter algorithm compiler database spreadsheet keyboard "
    "mortgage contract passport visa "
    "tattoo beard sofa chimney furnace pipe valve bolt hammer drill saw lawn hedge fence roof attic "
    "cellar garage motorbike truck "
    "ferry harbour lighthouse anchor sail canoe tent backpack compass rifle sword shield armour crown "
    "throne temple mosque "
    "cathedral monastery prison court judge jury witness burglar detective spy soldier general admiral "
    "astronaut rocket comet "
    "asteroid galaxy telescope laser robot drone chip circuit antenna modem printer scanner projector "
    "microphone guitar trumpet "
    "flute drum ballet theatre novel poem sonnet comic cartoon film studio actor director champion "
    "league tournament marathon "
    "hurdle javelin wrestler boxer jockey stadium referee lobster shrimp squid jellyfish crab eagle "
    "falcon vulture parrot ostrich "
    "crocodile turtle lizard beetle wasp moth cactus bamboo orchid mushroom fungus fern moss pine oak "
    "maple pharaoh emperor duke "
    "knight wizard vampire ghost mermaid unicorn goblin spaceship treaty virus scanner pension salary "
    "budget loan invoice auction"
).split()
VERBS = (  # noqa: SIM905
    "buy sell repair build paint clean train choose design measure draw steal fold melt weld grow feed "
    "catch hunt tame ride sail "
    "climb throw hide find lose break open close rent borrow insure install configure update delete "
    "print copy encrypt compress "
    "download upload stream record edit translate publish invent discover destroy attack defend "
    "conquer rule judge punish forgive "
    "marry divorce adopt hire fire promote sue arrest vote protest celebrate"
).split()
ANYTHING = (
    "{how|why|when|where} {do|did|should|would|can} {I|you|we|people|they} <g> {a|the|my|this} <o>?",
    "what is the best way to <g> a <o>?",
    "how {long|much|often|far} {does|can|did} {a|the} <o> {last|cost|move|live|sleep}?",
    (
        "who {was|is} the {first|last|best|most famous|worst} {person to <g> a <o>|<o>|<o> {in the world|"
        "of all time}}?"
    ),
    "what {happens|happened|should I do} {if|when} {I|you|someone} <g> {a|the} <o>?",
    "is it {legal|safe|hard|possible|wrong|expensive} to <g> a <o>?",
    "{can|could|would|will} you <g> {my|the|a} <o>{ for me| tomorrow|}?",
    "what is the difference between a <o> and a <q>?",
    "{which|what} <o> {is|was} the {best|biggest|oldest|fastest|strongest|most expensive}?",
    "how {many|big|old|heavy|fast} {are|is} {a|the|most} <o>{s|}?",
    "where {can|do|should} I {<g>|find|see} {a|the} <o>{ near me| in <c>|}?",
    "why {is|was} {the|my|a} <o> {so |}{old|red|loud|famous|broken|expensive|dangerous|slow}?",
    "when was the {first |}<o> {built|made|invented|discovered|opened}?",
    "who {invented|built|owns|designed|stole|found} the <o>{ of <c>|}?",
    "what does a <o> {do|eat|need|mean|look like|weigh}?",
    "{tell me|explain|describe} how to <g> a <o>.",
    "give me {three|five|some} {tips|reasons|ideas|steps} to <g> a <o>.",
    "what did the <o> {say|do}{ to the <q>|}?",
    "should {I|we} <g> {a|the} <o> or {a|the} <q>?",
    "how does {a|the} <o> {work|move|compare to a <q>}?",
    "I {want|need} to <g> a <o>{, what do I need|, any advice|. Help}?",
    "{list|name} {some|five|three|all} {famous |}<o>s.",
    "{is|was} {there|it} {a|the} <o> {in|from} <c>?",
    "what is {inside|under|behind|on top of} {a|the} <o>?",
    "did the <o> {of <c> |}{win|die|survive|burn down|explode}?",
    (
        "{write|make|create|generate} {a|an|some} {function|program|script|class|query|regex|website|test|"
        "app|loop} {that|to|which|for} {<g> a <o>|adds two numbers|checks a <o>|sorts <o>s|counts words|"
        "reverses a string}{ in {Python|Rust|C|Go|Java|SQL|JavaScript}|}."
    ),
    "{Python|Rust|Java|C++|SQL|JavaScript|HTML|bash}: how {do|can|would} I <g> a <o>?",
    "{how would|can} you {code|implement|program|write} a <o>{ in {Python|Rust|C|Go}|}?",
    "{what is|what's} wrong with {my|this|the} <o>?",
    "my <o> {is broken|does not work|makes a noise|is too slow}{, what now|. What should I do|}?",
)


def _work(rng: Random) -> str:
    if rng.random() < 0.6:
        return rng.choice(WORKS)
    return " ".join(
        (
            rng.choice(("The", "A", "My")),
            rng.choice(("Last", "Silent", "Red", "Lost", "Golden")),
            invent.name(rng),
        )
    )


def _event(rng: Random) -> str:
    if rng.random() < 0.7:
        return rng.choice(EVENTS)
    kind = rng.choice(("Battle", "Treaty", "Siege", "War", "Revolution", "Peace"))
    return f"the {kind} of {invent.place_word(rng)}"


def _invention(rng: Random) -> str:
    if rng.random() < 0.7:
        return rng.choice(INVENTIONS)
    return f"the {invent.word(rng)} {rng.choice(('engine', 'machine', 'lamp', 'process', 'theorem'))}"


def question(rng: Random) -> tuple[str, str, tuple[str, ...]]:
    """A question, its answer and the names in it."""
    person = rng.choice(FAMOUS) if rng.random() < 0.4 else invent.person(rng)
    year = rng.randrange(900, 2031)
    day = f"{rng.choice((1, 4, 12, 23, 30))} {rng.choice(('May', 'July', 'March', 'October'))} {year}"
    slots: dict[str, object] = {
        "p": person,
        "n": rng.randrange(2, 60),
        "w": invent.word(rng, 2, 2),
        "v": invent.word(rng),
        "c": invent.city(rng),
        "d": rng.choice((day, invent.city(rng))),
        "b": invent.brand(rng),
        "k": _work(rng),
        "e": _event(rng),
        "i": _invention(rng),
        "t": rng.choice(TOPICS),
        "u": rng.choice(TOPICS),
        "y": year,
    }
    names = tuple(str(slots[key]) for key in "pcbkv")
    if rng.random() < 0.25:
        slots["o"], slots["q"] = rng.sample(NOUNS, 2)
        return pick(ANYTHING, rng, g=rng.choice(VERBS), **slots), unsure.GENERAL, names
    chance = rng.random()
    if chance < 0.16:
        return pick(FACT_UNKNOWN, rng, **slots), unsure.GENERAL, names
    if chance < 0.24:
        return pick(WORK_UNKNOWN, rng, **slots), unsure.GENERAL, names
    if chance < 0.33:
        return pick(EVENT_UNKNOWN, rng, **slots), unsure.GENERAL, names
    if chance < 0.38:
        return pick(INVENTION_UNKNOWN, rng, **slots), unsure.GENERAL, names
    if chance < 0.50:
        slots["n"] = rng.choice((invent.name(rng), person, slots["b"], slots["k"]))
        return pick(WHY_UNKNOWN, rng, **slots), unsure.GENERAL, names
    if chance < 0.62:
        from .explain import SUBJECT_FORMS

        form = rng.choice(
            (
                *SUBJECT_FORMS,
                "what is <s>?",
                "how does <s> work?",
                "why is <s> important?",
                "what are <s>?",
                "who invented <s>?",
                "why do we need <s>?",
            )
        )
        return pick((form,), rng, s=rng.choice((slots["t"], slots["t"], slots["w"]))), unsure.GENERAL, names
    if chance < 0.75:
        return pick(CURRENT_UNKNOWN, rng, **slots), unsure.CURRENT, names
    if chance < 0.97:
        return pick(TASK_UNKNOWN, rng, **slots), unsure.GENERAL, names
    return pick(RAW_TASKS, rng, **slots), unsure.GENERAL, names


def unknown(rng: Random) -> Document:
    asked, answer, names = question(rng)
    return chat("unknown", noisy(asked, rng, names), answer)


def follow_unknown(rng: Random) -> Document:
    """An unknown question after a known one, and a known one after it."""
    from .arithmetic import one_sum
    from .countries import capital
    from .explain import explanation
    from .smalltalk import exchange

    known = rng.choice((one_sum, capital, explanation, exchange))(rng)
    while known.raw:
        known = exchange(rng)
    asked, answer, names = question(rng)
    other = [{"role": "user", "content": noisy(asked, rng, names)}, {"role": "assistant", "content": answer}]
    known.messages = known.messages + other if rng.random() < 0.5 else other + known.messages
    known.skill = "unknown"
    return known


MORE = (
    "tell me more{.||!}",
    "{why|why is that|how so|how come}?",
    "{go on|continue|more|more details|can you elaborate|elaborate}{.||!|?}",
    "what else?",
    "{are you sure|really|is that true|says who}?",
    "more about {it|that}{, please|}",
    "explain {that|it} {further|in more detail}{.|}",
    "how do you know{ that|}?",
    "what is your source?",
    "give me {an example|more examples|details}",
)


def mixed(rng: Random) -> Document:
    """Two or three questions that have nothing to do with each other, or one and "tell me more"."""
    from . import arithmetic, countries, explain, labels, smalltalk, words

    draws = (
        arithmetic.one_sum,
        countries.capital,
        countries.fact,
        explain.explanation,
        smalltalk.exchange,
        words.opposite,
        words.colour,
        labels.sentiment,
        unknown,
        smalltalk.never_told,
        smalltalk.shop_name,
    )
    messages: list[dict] = []
    for _ in range(rng.choice((1, 2, 2, 3))):
        while (document := rng.choice(draws)(rng)).raw is not None:
            pass
        messages += document.messages
    if len(messages) == 2:
        messages += [
            {"role": "user", "content": noisy(pick(MORE, rng), rng)},
            {"role": "assistant", "content": unsure.MORE},
        ]
    return Document("conversation", messages)
