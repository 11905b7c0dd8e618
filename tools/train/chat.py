#!/usr/bin/python3
"""chat.py - write the instruction data of the story model: conversations in ChatML.

    chat.py stories.txt chat.txt

The requests are written for it (the templates below), the stories are the corpus's own: tell a
story about someone, go on, continue a given passage, name in one line what a passage is about; and
a little talk about itself.  Conversations are separated by lines that say %%.  Deterministic.
"""
import random
import re
import sys
from collections import Counter

import bpe

TELL = [
    "Tell me a story about {x}.", "Please tell me a story about {x}.", "Tell a story about {x}.",
    "Write a story about {x}.", "Write a short story about {x}.", "I want a story about {x}.",
    "Can you tell me a story about {x}?", "Could you tell me a bedtime story about {x}?",
    "Do you know a story about {x}?", "I would like to hear a story about {x}.",
    "A story about {x}, please.", "Once more: a story about {x}!", "tell me a story about {x}",
    "Make up a story about {x}.", "What happened to {x}?",
]
TELL_ANY = ["Tell me a story.", "Please tell me a story.", "Tell me a bedtime story.",
            "I cannot sleep. Tell me a story!", "Do you know a good story?",
            "Another story, please."]
GO_ON = ["Go on.", "Go on, please.", "Continue.", "Please continue.", "What happened next?",
         "And then?", "What happens next?", "Continue the story.", "Tell me more.", "More, please!"]
CONTINUE = ["Continue this story:\n\n{t}", "Please continue this story.\n\n{t}",
            "Continue the story: {t}", "How does this go on?\n\n{t}", "What happens next?\n\n{t}",
            "Go on from here:\n\n{t}", "Write the next part of this story:\n\n{t}"]
SUMMARISE = ["Summarise this in one line:\n\n{t}", "Sum this up in one line.\n\n{t}",
             "What is this about?\n\n{t}", "Summarize in one line:\n\n{t}",
             "In one line, what is this story about?\n\n{t}"]
SYSTEM = ["You are a helpful assistant.", "You tell stories to children.", "You are a storyteller."]

ABOUT_ITSELF = [
    ("Hello!", "Hello! Would you like to hear a story? Tell me who it should be about."),
    ("Hi", "Hello! Shall I tell you a story?"),
    ("Good morning!", "Good morning! What shall the story be about to-day?"),
    ("Good evening.", "Good evening! It is just the time for a story. Who shall be in it?"),
    ("Who are you?", "I am a very small storyteller. I know old stories about animals, toys and "
                     "fairies, and little else."),
    ("What are you?", "I am a small language model. I learned from old children's stories."),
    ("What can you do?", "I can tell a story, go on with one that you begin, or say in one line "
                         "what a story is about. I am very small, so do not ask me for facts."),
    ("Can you help me?", "I can tell you a story, or go on with yours. That is all I know."),
    ("What is your name?", "I have no name of my own. You may call me the storyteller."),
    ("How do you work?", "I read many old stories, and now I guess one little piece of a word "
                         "after another."),
    ("Are you a person?", "No. I am a small computer program that tells stories."),
    ("What is the capital of France?", "I do not know such things. I only know stories. Shall I "
                                       "tell you one?"),
    ("What is 2 + 2?", "I am not good at sums. I am better at stories. Shall I tell you one?"),
    ("Write a Python program.", "I cannot do that. I only know stories. Shall I tell you one?"),
    ("Thank you!", "You are welcome! Come back when you want another story."),
    ("Thanks", "You are welcome!"),
    ("That was a nice story.", "I am glad that you liked it. Would you like another?"),
    ("Good night!", "Good night! Sleep well."),
    ("Goodbye.", "Good-bye! Come again soon."),
    ("Who made you?", "I was trained from public-domain stories, on an ordinary computer, in about "
                      "an hour."),
]

# What a story may be about when it has no named hero; the plural counts too.
THINGS = """fox wolf lion bear rabbit mouse frog toad dog cat elephant monkey pig donkey horse
pony lamb goat cow calf hen rooster duck goose swan turkey crow owl robin wren jay eagle hawk
sparrow woodpecker squirrel chipmunk beaver muskrat otter mink weasel skunk porcupine raccoon deer
stag turtle tortoise snake fish bee bumblebee butterfly cricket grasshopper ant spider firefly
beetle mole hedgehog king queen prince princess giant dwarf witch fairy wizard goblin mermaid
dragon soldier doll farmer miller tailor shoemaker fisherman hunter shepherd sailor merchant
peddler circus school snow storm
tree garden forest river brook sea farm castle kite boat picnic party""".split()
NAME = re.compile(r"\b(?:(?:Old|Little|Uncle|Aunt|Farmer|Grandfather|Mother|Mr\.|Mrs\.|Miss|Dr\."
                  r"|King|Queen|Prince|Princess|Doctor|Nurse) )?[A-Z][a-z]+(?: [A-Z][a-z]+){0,2}\b")
# Capitalised words that are no names: they begin sentences, or are addressed.
NOT_NAMES = set("""The A An And But So Then When What Where Why Who How If It He She They We You I
This That There Here Now Yes No Oh Well At In On Of For From To With As After Before By All One
Some Once Every His Her Their My Your Our Not Just Only Perhaps Of Sir Dear Do Did Is Was Are Were
Be Can Could Will Would Come Go Look See Let Never Indeed Even Still Soon Up Down Out Over Very
Good Please Mr Mrs Miss God Ha Ho Hello Why Besides While Though Although Since Because First Next
Last Again More Most Such Two Three Christmas Thanksgiving Sunday Monday Tuesday Wednesday
Thursday Friday Saturday April May June July
August September October November December January February March""".split())

PLACES = set("""Forest Pasture Briar Patch River Brook Valley Pool Pond Meadow Meadows Farm House
Woods Island Street City Town Mountain Hill Lake Sea Land Castle England America Breeze Breezes
Orchard Road
Store Fairyland Swamp Creek Hollow""".split())


def subjects(body):
    """Names, most frequent first, and things that the beginning of a story is about."""
    names = Counter()
    for m in NAME.finditer(body):
        words = m.group().split()
        while words and words[0] in NOT_NAMES:
            words.pop(0)
        if len(words) >= 2 and words[-1] not in PLACES and not NOT_NAMES & set(words):
            names[" ".join(words)] += 1
    lower = Counter(re.findall(r"[a-z]+", body.lower()))
    things = [(lower[t] + lower[t + "s"], t) for t in THINGS if lower[t] + lower[t + "s"] >= 3]
    things = [t for _, t in sorted(things, reverse=True)]
    return [n for n, c in names.most_common(4) if c >= 2], things[:4]


def with_article(thing):
    return thing if thing == "snow" else ("an " if thing[0] in "aeio" else "a ") + thing


def story_parts(doc):
    """Title and paragraphs; short headings and verses between them are left out."""
    blocks = [b.strip() for b in doc.split("\n\n") if b.strip()]
    title, rest = blocks[0].replace("\n", " "), blocks[1:]
    while rest and not re.search(r"[.!?\"'][\"']?$", rest[0].split("\n")[-1]) or \
            rest and "\n" in rest[0] and len(rest[0]) < 200:
        rest = rest[1:]
    return title, rest


def take(paragraphs, least, most):
    """As many whole paragraphs as make at least `least` characters, or None if that passes
    `most`."""
    text, n = "", 0
    for p in paragraphs:
        text = text + "\n\n" + p if text else p
        n += 1
        if len(text) >= least:
            return (text, n) if len(text) <= most else (None, 0)
    return (text, n) if text and len(text) >= 120 else (None, 0)


def conversation(turns, r):
    lines = []
    if r.random() < 0.1:
        lines.append(("system", r.choice(SYSTEM)))
    for i, t in enumerate(turns):
        lines.append(("user" if i % 2 == 0 else "assistant", t))
    return "".join(f"<|im_start|>{who}\n{t}<|im_end|>\n" for who, t in lines)


def subject_phrase(names, things, r):
    choices = names[:3] + [with_article(t) for t in things[:3]]
    if not choices:
        return None
    first = r.choice(choices[:2] if r.random() < 0.6 else choices)
    if len(choices) > 1 and r.random() < 0.2:
        other = r.choice([c for c in choices if c != first])
        return f"{first} and {other}"
    return first


def tell(title, paragraphs, r):
    whole = "\n\n".join(paragraphs)
    text, n = (whole, len(paragraphs)) if len(whole) < 2400 else take(paragraphs, 900, 2200)
    if not text:
        return None
    names, things = subjects(title + "\n" + text)
    about = subject_phrase(names, things, r)
    if about is None or r.random() < 0.08:
        ask = r.choice(TELL_ANY)
    else:
        ask = r.choice(TELL).format(x=about)
    turns = [ask, f"{title}\n\n{text}"]
    if n < len(paragraphs) and r.random() < 0.3:
        more, _ = take(paragraphs[n:], 500, 1500)
        if more:
            turns += [r.choice(GO_ON), more]
    return turns


def go_on(paragraphs, r):
    start = r.randrange(max(1, len(paragraphs) - 2))
    given, n = take(paragraphs[start:], r.choice([60, 150, 300]), 900)
    if not given:
        return None
    more, _ = take(paragraphs[start + n:], r.choice([400, 800]), 1800)
    if not more:
        return None
    if len(given) < 400 and r.random() < 0.3:       # people stop in the middle of a paragraph
        words = given.split(" ")
        cut = r.randrange(len(words) // 2, len(words)) if len(words) > 8 else 0
        if cut:
            given, more = " ".join(words[:cut]), " ".join(words[cut:]) + "\n\n" + more
    return [r.choice(CONTINUE).format(t=given), more]


def summarise(title, paragraphs, r):
    text, _ = take(paragraphs, r.choice([250, 500, 800]), 1500)
    if not text:
        return None
    names, things = subjects(text)
    who = names[:2] if names else [with_article(t) for t in things[:2]]
    if not who:
        return None
    end = title if title[-1] in ".!?" else title + "."
    return [r.choice(SUMMARISE).format(t=text), f"It is about {' and '.join(who)}: {end}"]


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: chat.py stories.txt chat.txt")
    r, out = random.Random(7), []
    for doc in bpe.documents(sys.argv[1]):
        title, paragraphs = story_parts(doc)
        if not paragraphs or len(title) > 90:
            continue
        short = len(doc) < 2400
        for _ in range(3 if short else 1):
            out.append(tell(title, paragraphs, r))
        out.append(go_on(paragraphs, r))
        if r.random() < 0.5:
            out.append(summarise(title, paragraphs, r))
    out = [t for t in out if t]
    for _ in range(12):
        out += [list(p) for p in ABOUT_ITSELF]
    r.shuffle(out)
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.write("%%\n".join(conversation(t, r) for t in out))
    print(f"{len(out)} conversations")


if __name__ == "__main__":
    main()
