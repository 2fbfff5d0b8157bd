# ruff: noqa: E501
"""Facts, tasks and feelings of which the samples are made. Written for this project; CC0."""

# country, capital, continent, language, river
COUNTRIES = [
    ("France", "Paris", "Europe", "French", "the Loire"),
    ("Egypt", "Cairo", "Africa", "Arabic", "the Nile"),
    ("Japan", "Tokyo", "Asia", "Japanese", "the Shinano"),
    ("Portugal", "Lisbon", "Europe", "Portuguese", "the Tagus"),
    ("Peru", "Lima", "South America", "Spanish", "the Ucayali"),
    ("Hungary", "Budapest", "Europe", "Hungarian", "the Danube"),
    ("Thailand", "Bangkok", "Asia", "Thai", "the Chao Phraya"),
    ("Poland", "Warsaw", "Europe", "Polish", "the Vistula"),
    ("Vietnam", "Hanoi", "Asia", "Vietnamese", "the Mekong"),
    ("Ghana", "Accra", "Africa", "English", "the Volta"),
]
# element, symbol, number, what it is like, where it is used
ELEMENTS = [
    (
        "helium",
        "He",
        2,
        "a gas that reacts with almost nothing",
        "balloons and the cooling of magnets",
    ),
    (
        "carbon",
        "C",
        6,
        "a solid that forms diamond and graphite",
        "steel, pencils and all living things",
    ),
    ("aluminium", "Al", 13, "a light metal that does not rust", "aircraft, cans and window frames"),
    ("silicon", "Si", 14, "a brittle grey semiconductor", "computer chips and solar cells"),
    ("iron", "Fe", 26, "a magnetic metal that rusts in damp air", "steel, tools and bridges"),
    (
        "copper",
        "Cu",
        29,
        "a reddish metal that conducts electricity well",
        "wires, pipes and coins",
    ),
    (
        "silver",
        "Ag",
        47,
        "the best conductor of electricity among the metals",
        "mirrors, jewellery and contacts",
    ),
    (
        "tin",
        "Sn",
        50,
        "a soft metal that melts at 232 degrees Celsius",
        "solder and the lining of cans",
    ),
    (
        "gold",
        "Au",
        79,
        "a dense yellow metal that does not tarnish",
        "jewellery, coins and electronics",
    ),
    (
        "lead",
        "Pb",
        82,
        "a soft, heavy and poisonous metal",
        "batteries and shields against radiation",
    ),
]
# animal, class, what it eats, what is remarkable
ANIMALS = [
    ("hummingbird", "bird", "nectar and small insects", "it can fly backwards"),
    ("octopus", "mollusc", "crabs and shellfish", "it has three hearts"),
    ("bat", "mammal", "insects or fruit", "it finds its way by echoes"),
    (
        "salmon",
        "fish",
        "insects, krill and smaller fish",
        "it swims back to the river where it hatched",
    ),
    ("honeybee", "insect", "nectar and pollen", "it tells its hive of flowers by a dance"),
    ("emperor penguin", "bird", "fish, krill and squid", "the male keeps the egg warm on his feet"),
    ("blue whale", "mammal", "krill", "it is the heaviest animal that is known to have lived"),
    ("gecko", "reptile", "insects", "it walks on smooth walls thanks to fine hairs on its toes"),
    ("axolotl", "amphibian", "worms and small fish", "it grows lost limbs again"),
    (
        "elephant",
        "mammal",
        "grass, leaves and bark",
        "it hears calls that are too low for our ears",
    ),
]
# what is asked of a Python function, its name, its arguments, its body
FUNCTIONS = [
    ("returns the largest number of a list", "largest", "numbers", "return max(numbers)"),
    (
        "counts the vowels of a text",
        "count_vowels",
        "text",
        "return sum(letter in 'aeiou' for letter in text.lower())",
    ),
    (
        "tells whether a word reads the same backwards",
        "is_palindrome",
        "word",
        "word = word.lower()\n    return word == word[::-1]",
    ),
    (
        "returns the factorial of a whole number",
        "factorial",
        "n",
        "result = 1\n    for factor in range(2, n + 1):\n        result *= factor\n    return result",
    ),
    (
        "removes repeated items from a list and keeps the order",
        "unique",
        "items",
        "return list(dict.fromkeys(items))",
    ),
    (
        "turns degrees Celsius into degrees Fahrenheit",
        "to_fahrenheit",
        "celsius",
        "return celsius * 9 / 5 + 32",
    ),
    (
        "returns the mean of a list of numbers",
        "mean",
        "numbers",
        "return sum(numbers) / len(numbers)",
    ),
    (
        "counts how often each word occurs in a text",
        "word_counts",
        "text",
        "counts = {}\n    for word in text.split():\n        counts[word] = counts.get(word, 0) + 1\n    return counts",
    ),
    (
        "flattens a list of lists",
        "flatten",
        "lists",
        "return [item for part in lists for item in part]",
    ),
    (
        "returns the greatest common divisor of two numbers",
        "gcd",
        "a, b",
        "while b:\n        a, b = b, a % b\n    return a",
    ),
    (
        "reverses the order of the words of a sentence",
        "reverse_words",
        "sentence",
        "return ' '.join(reversed(sentence.split()))",
    ),
    (
        "tells whether a number is prime",
        "is_prime",
        "n",
        "return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))",
    ),
]
# what was felt, what happened, what a good listener asks, what may help
FEELINGS = [
    (
        "anxious",
        "I have to speak before my whole class next week",
        "What is it about speaking that you fear most?",
        "Saying it aloud to one friend first makes the room feel smaller.",
    ),
    (
        "lonely",
        "I moved to a new city and know nobody here",
        "What did you enjoy with your friends at home?",
        "A weekly club brings the same faces back, and that is how most friendships begin.",
    ),
    (
        "guilty",
        "I shouted at my little brother over nothing",
        "What would you like to tell him now?",
        "An apology that names what you did is worth more than a present.",
    ),
    (
        "overwhelmed",
        "I have three deadlines in the same week",
        "Which of the three weighs on you most?",
        "Writing down the next small step of each makes the pile finite.",
    ),
    (
        "sad",
        "our old dog died on Sunday",
        "Which moments with him do you think of?",
        "Grief for an animal is real grief; telling its stories to someone who knew it helps.",
    ),
    (
        "jealous",
        "my best friend spends all her time with somebody else",
        "When did you last tell her that you miss her?",
        "Asking for one afternoon together is easier to hear than a reproach.",
    ),
    (
        "angry",
        "a colleague presented my work as his own",
        "What would a fair outcome look like to you?",
        "Wait a day, then say to him in private what you saw and what you want.",
    ),
    (
        "ashamed",
        "I failed an exam that everybody else passed",
        "Whose judgement do you fear, and what have they really said?",
        "One exam measures one morning; look at which questions went wrong and why.",
    ),
    (
        "nervous",
        "I start a new job on Monday",
        "What would make the first day a good one for you?",
        "Nobody expects you to know things; they expect you to ask.",
    ),
    (
        "proud",
        "I finished my first long run after months of training",
        "What kept you going on the days when you did not want to?",
        "Note down what worked: you will need it for the next aim.",
    ),
]
# a theme, an opening, a story
STORIES = [
    (
        "A lighthouse keeper finds a letter addressed to the sea",
        "letter",
        "The envelope lay on the lowest step, dry although the tide had been over it. “To the sea,” it said, in a child's hand. Edda had kept the light for thirty years and had never opened what was not hers. So she read it aloud to the water instead, word by word, and when she came to the end the waves drew back, as if to think about it.",
    ),
    (
        "Every clock in town stops at the same moment",
        "clock",
        "The baker noticed first, because his bread was burning while the hands stood at six. By noon people had stopped looking up at the tower. They ate when they were hungry and went home when they were tired. On the third day the watchmaker found the fault, a moth in the great wheel, and for a long time he did not remove it.",
    ),
    (
        "A robot is asked to plant a garden",
        "garden",
        "Unit Nine had read all there was on soil. It measured, it watered, it waited. Nothing in its files explained why the old woman next door came to the fence each evening and talked to the beans. In the second spring Unit Nine tried it. “Good evening,” it told the beans. They grew neither faster nor slower, but Unit Nine came back the next day.",
    ),
    (
        "The last library on a space station",
        "library",
        "There were four hundred paper books on the station, and Imre weighed them every year because the rules said so. Each year they were a little heavier. Dust, said the engineer. But Imre knew who borrowed them: pilots on their last night before the long way out, who pressed a leaf, a ticket or a hair between the pages, and left it there.",
    ),
    (
        "Two rivals must share an umbrella",
        "umbrella",
        "It was the only umbrella in the theatre, and both of them had a hand on it. “You hold it too low,” said the tenor. “You walk too fast,” said the other tenor. By the bridge they were arguing about Verdi, by the market they were singing it, and when the rain stopped neither of them noticed for the length of two streets.",
    ),
]
# the question, one side, the other side
DILEMMAS = [
    (
        "Is it ever right to lie to protect a friend's feelings?",
        "A small untruth can spare pain that would help nobody",
        "a friend who learns of it may trust no praise of yours again",
    ),
    (
        "Should a self-driving car put its passengers before pedestrians?",
        "Passengers trust the car with their lives",
        "pedestrians never agreed to the risk",
    ),
    (
        "Is it wrong to read a partner's messages if one suspects a betrayal?",
        "Who is deceived has a claim to the truth",
        "trust that needs proof by stealth is gone either way",
    ),
    (
        "Should a doctor tell a patient a prognosis that he does not want to hear?",
        "Decisions need knowledge",
        "a person also has a right not to know",
    ),
    (
        "Is it fair that the loudest voice in a meeting decides?",
        "Somebody has to decide, and zeal often goes with knowledge",
        "what is said quietly may be what everyone needs to hear",
    ),
    (
        "May one break a promise to help a stranger in need?",
        "Need can weigh more than convenience",
        "a promise gives someone a right that others do not have",
    ),
    (
        "Should we ban phones in schools?",
        "Attention is the scarcest thing in a classroom",
        "pupils must learn to use what they will live with",
    ),
    (
        "Is it acceptable to keep animals in zoos?",
        "Zoos save species and teach millions",
        "an animal's life is not a means to our learning",
    ),
]
# name, description, argument, its description, example value, what comes back, the answer in words
TOOLS = [
    (
        "get_weather",
        "Get the weather of a city",
        "city",
        "Name of the city",
        "Oslo",
        '{"temperature": 4, "sky": "rain"}',
        "In Oslo it is 4 degrees and raining: take an umbrella.",
    ),
    (
        "convert_currency",
        "Convert euros into another currency",
        "currency",
        "Code of the currency",
        "USD",
        '{"rate": 1.1}',
        "One euro is 1.10 US dollars at the moment.",
    ),
    (
        "find_train",
        "Find the next train to a city",
        "destination",
        "City to go to",
        "Vienna",
        '{"departure": "14:20", "platform": 7}',
        "The next train to Vienna leaves at 14:20 from platform 7.",
    ),
    (
        "define_word",
        "Look a word up in a dictionary",
        "word",
        "The word",
        "isthmus",
        '{"meaning": "a narrow strip of land between two seas"}',
        "An isthmus is a narrow strip of land between two seas.",
    ),
    (
        "search_books",
        "Search a library by author",
        "author",
        "Name of the author",
        "Mary Shelley",
        '{"titles": ["Frankenstein", "The Last Man"]}',
        "The library has Frankenstein and The Last Man by Mary Shelley.",
    ),
]
SUMS = [
    (
        "Mira picks {a} apples in the morning and {b} in the afternoon. She puts them in bags of {c}. How many bags does she fill?",
        24,
        36,
        10,
    ),
    (
        "A bus carries {a} people. At the first stop {b} more get on; then all of them walk to the museum in groups of {c}. How many groups are there?",
        30,
        18,
        6,
    ),
    (
        "Tom saves {a} coins in May and {b} coins in June. He shares them equally among {c} jars. How many coins are in each jar?",
        45,
        27,
        8,
    ),
    (
        "A baker makes {a} rolls before noon and {b} after noon, and sells them in boxes of {c}. How many boxes does she need?",
        96,
        48,
        12,
    ),
    (
        "A class collects {a} cans in the first week and {b} in the second. Each crate holds {c} cans. How many crates do they fill?",
        75,
        65,
        20,
    ),
    (
        "A gardener plants {a} tulips and {b} daffodils in rows of {c}. How many rows are there?",
        56,
        34,
        9,
    ),
]
