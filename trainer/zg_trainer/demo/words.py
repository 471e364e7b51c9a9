"""Words that the demo model's text is filled with. None of them is a topic of the network."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))


NAMES = _words(
    """
    Anna Ben Carla David Elena Farid Grace Hugo Ines Jonas Kofi Lena Marco Nadia Omar Paula Quentin Rosa
    Samir Tara Umar Vera Wanda Xavier Yuki Zoe Alice Bob Clara Daniel Emma Felix George Hannah Ivan Julia
    Karl Laura Maria Nina Oscar Peter Rita Simon Tom Ursula Victor Walter Yusuf Zara Amir Bianca Chen Diego
    Esther Fatima Giulia Hassan Irene Jamal Kenji Leila Mei Noor Olga Priya Rafael Sofia Tariq Uma Viktor Wei
    Ximena Yara Zain Ada Alan Linus John Mary James Robert Linda Sarah Paul Mark Kevin Susan
    """
)
SURNAMES = _words(
    """
    Smith Miller Garcia Rossi Tanaka Okafor Novak Silva Kowalski Haddad Larsen Dubois Schmidt Ivanov Mensah
    Khan Lovelace Turing Curie Newton Einstein Lincoln Mozart Darwin Gandhi Picasso Swift Musk Obama Messi
    Napoleon Washington Shakespeare Kennedy Nakamoto
    """
)
CITIES = _words(
    """
    Accra Berlin Cairo Dakar Essen Florence Geneva Hanoi Istanbul Jakarta Kyiv Lima Madrid Nairobi Oslo Paris
    Quito Rome Seoul Tokyo Utrecht Vienna Warsaw Zurich Athens Boston Chicago Delhi Dublin Lisbon London
    Lagos Mumbai Porto Prague Riga Sofia Tunis Turin Venice Bogota Havana Helsinki Lyon Milan Naples Osaka
    Perth Sydney Toronto
    """
)
COUNTRIES = _words(
    """
    France Peru Germany Italy Spain Japan China India Brazil Canada Mexico Egypt Kenya Ghana Nigeria Norway
    Sweden Poland Greece Turkey Chile Argentina Portugal Ireland Iceland Russia Ukraine Austria Hungary
    Vietnam Thailand Indonesia Australia Morocco Ethiopia Cuba Colombia Finland Denmark Belgium England
    Scotland Switzerland Iran Iraq Israel Pakistan Bangladesh Malaysia Singapore Europe Africa Asia America
    Mars
    """
)
COLOURS = _words(
    """
    red green blue yellow orange purple black white brown grey pink violet turquoise silver gold
    """
)
JOBS = _phrases(
    """
    a baker | a teacher | a nurse | a farmer | a pilot | a lawyer | a painter | a cook | a driver | a doctor
    | a plumber | a singer | a tailor | a writer | a gardener | a dentist | a carpenter | a programmer | an
    actor | an engineer | an architect | a judge | a sailor | a waiter
    """
)
FOODS = _phrases(
    """
    bread | rice | soup | pizza | pasta | cheese | fish | salad | chocolate | mango | curry | couscous |
    noodles | potatoes | cake | beans | honey | apples | ice cream | tomatoes
    """
)
PETS = _phrases(
    """
    a cat | a dog | a parrot | a rabbit | a horse | a goldfish | a hamster | a turtle | a snake | a goat | a
    canary
    """
)
# Common things that people ask about.
NOUNS = _words(
    """
    apple arm army art atom baby bank bar basket battery bear bed bee bell bicycle bird blood boat body bone
    book bottle bowl box brain bread bridge brush bucket building bus button cake camera candle car card
    carpet castle chair cheese church circle city clock cloud coat coffee comet computer cook cow crown cup
    curtain democracy desk desert diamond dinosaur doctor dog door dream drum ear earthquake egg elephant
    engineer envelope eye face farm feather fence film fire fish flag flower fly folk football forest fork
    fossil friend frog fruit galaxy game garden ghost giraffe glass glove goat gravity guitar hammer hand hat
    heart hill holiday horse hospital hotel house hurricane ice island jacket jar joke judge kettle key-ring
    king kitchen knife ladder lake lamp language law leaf lemon letter library lion lizard magnet map market
    mirror molecule money-box monkey month moon mountain mouse museum mushroom nail neck needle nest
    newspaper noun nut ocean octopus office onion opera orange orchestra oven owl paint palace paper park pen
    pencil philosopher piano pillow pipe plane planet plant plate poem pocket poet police potato prime
    printer prison protein pump pyramid quasar queen queue quilt quiz rabbit radio rain rainbow recipe
    rectangle religion rice ring river robot rocket roof room rope rose ruler sail salt sandwich school
    scissors screw seed shadow shark sheep ship shirt shoe shop sky snake snow soap song soup spider spoon
    square star station stone storm street sugar suitcase sun sword table tail tea telephone telescope tent
    theatre theorem ticket tiger tomato tooth tower town toy train tree triangle trumpet umbrella uncle
    universe vaccine vase verb violin virus volcano wall war watch water wave whale wheel whisky wind window
    wine winter wolf wood worm zebra blockchain bitcoin ethereum wallpaper browser keyboard laptop email
    password compiler database router website algorithm quotation service-station counter provincial ledge
    receiver recession stakeholder trainer settler neutron neurologist broth batter refugee enclosure
    """
)
ADJECTIVES = _words(
    """
    big small old new red green blue fast slow tall deep famous wild black white hot cold long short strong
    beautiful happy sad rich poor heavy light round quiet loud sweet modern ancient
    """
)
ROLES = _phrases(
    """
    president | king | queen | prime minister | mayor | leader | emperor | chancellor | pope | boss | owner |
    captain | coach | author | inventor | founder | director | winner | champion
    """
)
PROPERTIES = _words(
    """
    capital population currency language flag size weight height age colour speed history name price area
    temperature length meaning purpose religion climate anthem taste smell origin shape
    """
)
EVENTS = _phrases(
    """
    the Second World War | the French Revolution | the moon landing | the Olympic Games | the last election |
    the football World Cup | the Middle Ages | the Renaissance | the Cold War | the Industrial Revolution |
    the big bang | the ice age | the last storm | the battle of Waterloo | the fall of Rome | Easter |
    Christmas | the next eclipse
    """
)
SUBJECTS = _phrases(
    """
    history | physics | chemistry | biology | geography | music | football | politics | religion | philosophy
    | cooking | mathematics | the weather | astronomy | economics | medicine | poetry | love | life | death |
    time | freedom | gravity | electricity | evolution | dinosaurs | black holes | the stock market | climate
    change | world peace | Python | JavaScript | Linux | Windows | Google | Apple | Microsoft | Facebook |
    Bitcoin | Harry Potter | Star Wars | Batman | chess | tennis | basketball | photosynthesis | quantum
    mechanics | DNA
    """
)
# Tasks that have nothing to do with the network.
ACTIVITIES = _phrases(
    """
    bake bread | fix my car | learn to swim | cook rice | play the piano | grow tomatoes | lose weight |
    sleep better | find a job | write a novel | draw a horse | tie a knot | build a house | paint a wall |
    catch a fish | learn Spanish | boil an egg | clean a window | plant a tree | ride a bicycle | cut my hair
    | repair a bicycle | open a bottle | win at chess | become a doctor | become rich | buy a house | rent a
    car | sell my car | travel to Rome | make coffee | make a cake | wash a shirt | write a poem | print a
    page | install Windows | delete a file | learn Python | send a letter | call a taxi | find my keys | get
    a passport | see a doctor | feed a cat | start a fire | stop a war | use a hammer | check my tyres | test
    my blood
    """
)
REQUESTS = _phrases(
    """
    Write a poem about {noun}s. | Tell me a joke. | Tell me a story. | Sing a song. | Write an essay about
    {subject}. | Translate this into French. | Write a Python program. | Write code that sorts a list. |
    Summarise this text. | Draw a {noun}. | Write a story about a {noun}. | Play a game with me. | Make a
    list of {noun}s. | Write a letter to {name}. | Translate {noun} into German. | Give me a recipe for
    {food}. | Book a flight to {city}. | Write a function. | Count to ten. | Spell {noun}. | Say something
    funny. | Search the web. | Open a file. | Show me a picture of a {noun}. | Tell me a
    story about {name}. | Write a haiku. | Give me ten ideas. | Write a short text about {subject}. | Correct
    this sentence.
    """
)
# Other languages, symbols and code.
FOREIGN = _phrases(
    """
    ¿Qué es esto? | ¿Dónde está la biblioteca? | Qu'est-ce que c'est ? | Où est la gare ? | Was ist das? |
    Wie spät ist es? | Guten Tag | Bonjour | Hola | Ciao, come stai? | 你好 | 这是什么? | 今天天气怎么样? | こんにちは |
    これは何ですか? | 안녕하세요 | Привет | Что это? | Как дела? | مرحبا | ما هذا؟ | नमस्ते | Γειά σου | Dzień dobry |
    Çok güzel | Hur mår du? | 😀 | 🤖🚀 | 👍 👍 | … | ??? | !!! | 42 | x = y + z | SELECT * FROM users; | print(1)
    | {"a": 1} | <html> | http://example.com | a b c d e | asdf | qwerty | lorem ipsum
    """
)
SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are a helpful assistant. Answer briefly.",
    "You are a friendly assistant.",
    "You are the demo model of the 0G Compute Network.",
    "Be brief.",
    "Be honest. Say so when you do not know something.",
    "Answer the user's questions.",
    "Answer in one sentence.",
    "You answer questions about the 0G Compute Network.",
    "You are an AI assistant. Be polite and concise.",
    "Use plain English.",
    "Do not make things up.",
)
