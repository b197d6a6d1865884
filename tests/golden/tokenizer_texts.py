"""tokenizer_texts.py - difficult texts for tokenizers, used by make_tokenizer.py and its kin. Each list is one kind of
difficulty; the last is random."""
import random

LETTERS = [
    '', 'a', ' ', '\n', 'Hello', ' Hello', 'Hello world', 'Hello, world!', '  two leading spaces', 'trailing  ',
    'The quick brown fox jumps over the lazy dog.', 'ALL CAPS AND MiXeD cAsE', 'x', 'antidisestablishmentarianism',
    'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
    'pneumonoultramicroscopicsilicovolcanoconiosis honorificabilitudinitatibus', 'a b c d e f g h i j k l m n o p',
    'naïve café résumé Zoë façade', 'ÀÉÎÕÜ àéîõü ÿ ß ẞ ŒÆ œæ ﬁ ﬂ', 'Łódź Kraków Gdańsk żółć', 'İstanbul ılık ŞişĞğ',
    'Привет, как дела? Ещё раз: ёжик.', 'Съешь же ещё этих мягких французских булок',
    'Ελληνικά: Ωμέγα, άλφα και βήτα ς', 'Қазақ тілі ғылым', 'ქართული ენა', 'Հայերեն լեզու',
    'Tiếng Việt có dấu: Phở, Đặng Hữu', 'Gwybodaeth ŵyr ŷd', 'ʻokina Hawaiʻi', '𝕳𝖊𝖑𝖑𝖔 𝓌ℴ𝓇𝓁𝒹 𝟘𝟙𝟚', 'ʰʷʲ ˈfəʊnəˌtɪks',
    'ﬀ ĳ ŉ ǆ', 'Ⓐⓑⓒ ⒜⒝⒞ 🅰️🅱️', 'ㅋㅋㅋㅋ', 'ſtraſze ſ',
]

SCRIPTS = [
    '日本語のテキストです。', '東京都渋谷区1丁目2番3号', 'カタカナ ｶﾀｶﾅ ひらがな', '我喜欢吃苹果和香蕉。', '繁體中文：臺灣台北市', '你好，世界！123', '한국어 문장입니다. 안녕하세요?',
    '한글', '中文English混合文本with日本語', '「引用」『二重』【括弧】〜…', '𠮷野家 𠀋 𪚥 㐀', '々〆ヶ', 'مرحبا بالعالم، كيف حالك؟',
    'الْعَرَبِيَّةُ بِالتَّشْكِيل', 'فارسی: می\u200cخواهم کتاب', 'אָלֶף־בֵּית עברית', 'שלום עולם! 123',
    'اردو ۱۲۳۴ ٣٤٥', 'नमस्ते दुनिया', 'हिन्दी में क्षत्रिय ज्ञान श्री', 'বাংলা ভাষা', 'தமிழ் மொழி', 'తెలుగు భాష',
    'ಕನ್ನಡ', 'മലയാളം', 'සිංහල ශ්\u200dරී', 'ગુજરાતી ਪੰਜਾਬੀ', 'ภาษาไทยไม่มีช่องว่างระหว่างคำ', 'สวัสดีครับ ๑๒๓',
    'ພາສາລາວ', 'ខ្មែរ ភាសា', 'မြန်မာဘာသာ', 'བོད་སྐད།', 'አማርኛ ቋንቋ', 'ᠮᠣᠩᠭᠣᠯ', 'ᏣᎳᎩ', 'ᚠᚢᚦᚨᚱᚲ', '𐎀𐎁 𒀀𒀁 𓀀𓀁', 'ꦧꦱꦗꦮ',
    'ⴰⵎⴰⵣⵉⵖ', '\u202eright to left override\u202c', '\u200fmixed \u200edirections',
]

MARKS_AND_EMOJI = [
    'é vs é', 'Å vs Å vs Å', 'ñ ố ố', 'Z͑ͫ̓a̻͉lgo', '́ starts with a mark', 'q̣̇ q̣̇', '각 각', 'क्ष',
    'a' + '́' * 20, 'ééé', '̈́ ̀ क़', 'ϓ ẛ̣', '😀', '😀😃😄😁', 'Hello 😀 world', '👍🏽 👍🏿👍',
    '👨\u200d👩\u200d👧\u200d👦 family', '🏳️\u200d🌈🏴\u200d☠️', '🇩🇪🇫🇷🇯🇵', '❤️ ❤ ☺️ ☺', '👩🏽\u200d🚀🧑\u200d💻', '🤷\u200d♂️',
    '🫠🫡🥹', '1️⃣2️⃣#️⃣', '🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f', 'text😀text', '😀\n😀',
    '🧿🪬🫀', '✅❌⚠️ℹ️', '→←↑↓⇒⇔', '★☆♠♣♥♦', '∀x∈ℝ: ∃y≥√x ∑∫∂∞≠≈', 'x² + y³ = z⁴ ₁₂₃ ½¼¾ ⅓',
    '«guillemets» “curly” ‘single’ „low“ ‚x‘', '€£¥₹₿¢ ©®™ §¶†‡•', '°C ℃ №1 µm Ω', 'Ⅷ ⅷ ① ⑳ ㉑ ㊀', '┌─┐│└┘█▓▒░',
    '\ufeffBOM at start', 'zero\u200bwidth\u200cjoin\u200der\u2060', 'soft\xadhyphen', '͏᠋', '� replacement ��',
    '\U0010fffd\U000f0000 private \ue000', '🧑\u200d🤝\u200d🧑',
]

NUMBERS = [
    '0', '1', '12', '123', '1234', '12345', '1234567890', '3.14159', '1,234,567.89', '-42', '+7', '1e-10',
    '0x1F 0b1010 0o77', '007', '1 2 3', '1  2', 'a1b2c3', 'x=1;y=22;z=333;w=4444', '2024-02-29T23:59:59Z',
    '12:34:56.789', '$1,000.00', '50%', 'v1.2.3-rc4', '192.168.0.1', '١٢٣٤٥', '१२३४', '๔๕๖', '１２３４', '²³¹', '½',
    'Ⅻ', '1st 2nd 3rd 4th', '10\n20\n30', '1a 2b 33c', '999999999999999999999999999999', '1_000_000',
    '(555) 123-4567', 'a  1', '  12', '12  ', '1\t2',
]

SPACES = [
    '  ', '   ', '    ', '        ', ' ' * 15, ' ' * 31, ' ' * 32, ' ' * 33, ' ' * 40, ' ' * 64, ' ' * 100,
    'a' + ' ' * 31 + 'b', 'a' + ' ' * 35 + 'b', '\t', '\t\t', '\t\t\t\t\t', '\t' * 32, '\t' * 40, '\n\n', '\n\n\n',
    '\n' * 10, '\n' * 31, '\n' * 32, '\n' * 40, '\r\n', '\r\n\r\n', '\r', '\r\r\n\n', ' \n', '\n ', ' \n ',
    '  \n\n  ', '\t\n', '\n\t', ' \t ', '\t \t', 'a\n', 'a\n\n', 'a \n b', 'a  \n  b', 'a\tb\tc', 'a \tb', 'a\t b',
    'a  b', 'a   b    c     d', 'line one\nline two\n\nline four\n', '\n\n  indented\n    more\n', '  a  ', '\xa0',
    '\xa0\xa0a', 'a\xa0b', 'a \xa0b', 'a\xa0 b', '\u2003em\u2003space', '\u2003\u2003\u2003',
    '\u2002 \u2009 \u200a thin', '\u3000全角\u3000空白', '\u2028line sep\u2029para sep', '\x85next line', 'a\x85\x85b',
    '\u1680ogham', '\u180emongolian\u180e vowel', 'a \u180e b', '\u205f\u202f', '\x0b\x0c', 'a\x0bb\x0cc',
    ' \x0b \x0c ', '\x1c\x1d\x1e\x1f', 'trailing newline \n', 'x \n \n \n y', '\n \n  \n   \n', ' \r\n \r\n ',
    'word \u2003 word', '  \u3000  x', '▁', 'a▁b', '▁▁ a', ' ▁', '▁ ', 'a ▁ b▁', 'a▁  c',
]

CONTROLS = [
    '\x00', 'a\x00b', '\x01\x02\x03', '\x04', '!\x04=', 'x\x04y', '\x06\x13\x14\x16\x1d', '\x1b[31mred\x1b[0m',
    '\x7f', '\x80\x81\x9f', 'bell\x07 back\x08space', '\x00\x00\x00\x00', 'tab\t vt\x0b', 'a\x05 b\x0e c\x0f',
    '\ud7ff\ue000',
]

CONTRACTIONS = [
    "I'm you're he's we've they'll I'd don't", "I'M YOU'RE HE'S WE'VE THEY'LL I'D DON'T", "I'm'd've", "'s 't 're",
    "'S 'T 'RE", "it's", "it 's", "it' s", "IT'S", 'It’s I’m', "rock 'n' roll", "'tis '90s", "y'all'd've", "'ſ x'ſ",
    "'LL'ss", "O'Brien's", "l'homme d'été", "''''", "a'", "'a", "'re'RE'Re'rE", "he'Ll i'D", "John's's",
]

CODE = [
    'def f(x):\n    return x + 1\n', 'for (int i = 0; i < n; ++i) { a[i] += b[i]; }',
    '#include <stdio.h>\nint main(void) { puts("hi\\n"); }', 'if (a && b || !c) { x ^= ~y; }',
    '<html><body><h1>Title</h1></body></html>', '<table><tr><td>1</td></tr></table>',
    "SELECT * FROM t WHERE a >= 10 AND b <> 'x';", 'const f = async () => await fetch(`/api/${id}`);',
    '\tif x:\n\t\tpass\n', '{"key": [1, 2.5, null, true], "s": "a\\"b"}', 'x->y::z.w[0](*p)', 'a==b!=c<=d>=e',
    '//comment /* block */ # hash -- dash', '$HOME/.bashrc ~/x ../y C:\\Windows\\System32', '0xDEADBEEF',
    '__init__ _private CamelCase snake_case kebab-case SCREAMING_SNAKE', '@decorator\nclass A(B, metaclass=C):',
    '\\begin{equation} \\frac{a}{b} \\end{equation}', 'fn main() -> Result<(), Box<dyn Error>> {}',
    '    \tmixed indentation', "        deep = {\n            'a': 1,\n        }", 'a;b;;c;;;', '!!!???...',
    '......', '======== ----', '=' * 50, '-' * 80, '*' * 33, '#' * 17, '~!@#$%^&*()_+{}|:"<>?`-=[]\\;\',./',
    "🐍 = 'py'; print(f'{🐍!r}')", 'i++ + ++i', 'a?b:c', 'x\\ny\\tz', '%d %s %05.2f\\n', '<0x0A>', '<0x41><0xE2>',
    '&amp;&lt;&#39;', "```python\nprint('hi')\n```", '- [ ] todo\n- [x] done', '| a | b |\n|---|---|\n| 1 | 2 |',
    '**bold** _it_ ~~no~~ `code`',
]

LINKS = [
    'https://www.example.com/path/to/page.html?query=1&b=2#frag', 'http://localhost:8080/v1/chat/completions',
    'user.name+tag@sub.example.co.uk', 'ftp://ftp.x.org/a%20b.tar.gz', 'See www.wikipedia.org, e.g. /wiki/Ünïcödé.',
    'git@github.com:a/b.git', 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA',
    'magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a', '550e8400-e29b-41d4-a716-446655440000',
    'arXiv:1706.03762v5 doi:10.1000/xyz123',
]

LONG = [
    'a' * 100, 'ab' * 100, 'abc' * 70, 'A' * 64, 'é' * 50, '日' * 60, '😀' * 20, 'ก' * 40, '1' * 50, 'the ' * 40,
    'xyzzy' * 40, 'lol' + 'o' * 60, 'ha' * 40, 'aaaaaaab' * 12, 'QWERTYUIOPASDFGHJKLZXCVBNM' * 4, 'ACGT' * 40,
    'supercalifragilisticexpialidocious' * 3, '=-' * 40, '. ' * 40, ' .' * 40, 'a ' * 40, '\n ' * 20, '\t\n' * 20,
    'é ' * 30, 'x' + '́' * 40, 'no' * 33 + ' ' + 'yes' * 33, '𝕏' * 25, 'ﷺ' * 10, '<' * 40, "'" * 40, 'ΑΒΓ' * 20,
]

PROSE = [
    'It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity.',
    'Call me Ishmael. Some years ago--never mind how long precisely--having little or no money in my purse, and nothing particular to interest me on shore, I thought I would sail about a little.',
    'Im Anfang war das Wort, und das Wort war bei Gott, und Gott war das Wort. Dasselbe war im Anfang bei Gott.',
    'En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo.',
    '吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。',
    'Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.',
    '"Well," she said, "that\'s that."\n\n"Is it?" he asked.\n',
    "Dr. Smith (b. 1950) vs. Mr. O'Neil; cf. pp. 3–7 — see §4.2.", 'E = mc^2, H2O, CO₂ and NaCl(aq).',
    'Title: A\nAuthor: B\n\n1. One\n2. Two\n\t- sub\n', 'What?! No... Yes!!! (Really?) [ok] {fine}',
    'A/B testing & R&D @ 9am #1 100% sure',
]

SPECIAL = [
    '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n', '<|endoftext|>', 'a<|endoftext|>b',
    '<|im_end|><|im_end|>', '<|im_start', '<|im_start|', '|im_start|>', '<|im_start|><', ' <|im_end|> ',
    '<|im_end|>\n', '\n<|im_end|>', '<|im_end|> leading space', '<repo_name>x<file_sep>y', '<reponame>',
    '<filename>a.py<gh_stars>10', '<issue_start><issue_comment>', '<empty_output>', '<|IM_START|>',
    '<<|im_start|>>', '<|im_<|im_end|>', 'jupyter <jupyter_code>print(1)<jupyter_output>1',
    '<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n', '<bos>', '<eos>', '<bos><bos>text<eos>',
    '<pad><unk><mask>', '<unused0>', '<unused6241>', '<unused62410>', '<unused6', '<unused1><unused12>',
    '[multimodal]', '[multimodal', '<start_of_image><end_of_image>', 'a<unk>b', ' <bos> ', '<h1>x</h1>',
    '<b><i>x</i></b>', '<div ><div>', '</s>', '<s>', '<strong>bold</strong> text', '<start_of_turn', 'a  <bos>  b',
    '<bos>  two', '<|im_end|>  two', '\n\n<end_of_turn>\n\n\n', '<td>\t<td>', '<0x0A>',
    '<|begin_of_text|><|eot_id|>', 'text <mask> text', '日本<bos>語', 'é<|im_end|>é', '<unused99>' * 5,
    '\n' * 33 + '<eos>' + ' ' * 33, '<code>a  b</code>', '<br><p>', 'x> </y> </z>  </w>', '<em>\n</em>\n\n',
]

CUTS = [
    # where capitals, small letters and letters without case meet
    'camelCaseWord XMLHttpRequest iPhone McDonald USAtoday aB Ab AB ab aBC ABc', 'ÀÉaÎb éÀÉ ǅǆǄ ǅungla ʰA Aʰ aʰB ªA Aª',
    'ПРИВЕТмир Приветмир приветМИР', 'Aא אA aא אa A日 日A a日 日a', 'ABĆDEF abćdef ÁB', 'don\'T Don\'t DON\'T I\'Ll we\'rE',
    "it'sok it'SOK 'tis'nt x'dy x'Dy", 'ΑΒΓαβγ ΑΒΓ日本 αβγ日本 日本ΑΒΓ',
    # Han beside other things
    '中文 中文abc abc中文 ABC中文 中文ABC中文', '〇一二〇 1〇2 〡〢 ⺀⺁ !⺀ 々々人 人々 A々', '日本語 カナ かな 漢字かな混じり文', '한국어漢字 漢字한국어 ㄱㄴㄷ ㄅㄆㄇ',
    '  中', ' 中', '中 ', '\u3000中\u3000', '中\n文', '！？，。：；“”‘’—…、〈〉《》', 'ａｂｃＡＢＣ１２３！', '𠀀𠀁a𠀂', '㐀㐁龥龦鿿ꥠ',
    # numbers
    '1234567', '12345678', '123456', '12', '1', '1234abc', 'abc1234', '1234_', '_1234', '1234é', '1234½', '12½345', '½½½½',
    '١٢٣٤٥٦٧', '１２３４５６７', '1234567 1234567', '1234567.1234567', '1,234,567', '12345-67890', 'v1234567b', '0x12345678', '1٢3४5',
    '²³¹¼½¾', 'x²y³', 'ü¼ »¼« ò³ ²a', '１²٣', '12345中', 'Ⅷ12345', '①②③④⑤', '1234́', '𝟘𝟙𝟚𝟛𝟜',
    # signs before words and line breaks
    '.abc ,abc -abc _abc @abc #abc $abc', '(abc) [abc] {abc} <abc> "abc"', '!!abc !!!\n\nabc', 'abc.\nabc', 'abc.\r\nabc', 'abc. \n abc',
    'a/b /path/to //x\n/', '/\n/\n', '!/\n', '"\n"\n', '.\n/\n.', '£abc €abc ©abc', '……abc', '「abc」', 'a\u0301b', '\u0301\u0301abc',
    '!\u0301abc', ', (', ',(', ', a', '. . .', ' , , ', ' .a .b', '|a|b|', '(a|b)', 'a , b', 'a ,b', 'a… b', '،؟۔ ۔a', '।॥ ।a',
    '`code` `` ^~ <=> $+ ^a ~b', 'a\u200bb \u200b a', 'a\u00adb',
    # white space before words
    'a  b', 'a   b', 'a    b', 'a     b', 'a \n b', 'a\n b', 'a\n  b', 'a\n\n  b', 'a\t b', 'a \tb', 'a\u3000 b', 'a \u3000b', '\n a', '\r a',
    '\r\n  a', ' \n\n ', 'a \n\n\n b', 'a\x0bb', 'a\x0b b', 'a\x85 b', '  !', '  1', '   1', '    \'s', "  's", 'a b c d', 'a b c 1 d',
    ' a b\u0301 c', 'é è ê', '한 국 어', 'x y\nz w', ' ' * 3 + 'x' + ' ' * 7 + 'y' + ' ' * 513 + 'z', '\t' * 5 + 'x', ' \t' * 9 + 'x', '\n' * 5 + 'x',
    ' ' * 6, ' ' * 5 + '\n' + ' ' * 5, '\t\n    \t  x', ' ' * 9 + '1', '<sentinel:12> <sentinel:x>', 'IMGIMGABCZ IMGIMGABCDEFZ IMGIMGZ', '\ufffe\uffff',
]

ALPHABET = ("a b c d e s t l m r v S T L M R V A B Z é É ß ſ ǅ ʰ я Я α Ω ﬁ 中 文 々 〇 ⺀ か カ ー 한 ㄱ ㄅ א ع ก ा ् \u0301 \u0323 "
            "0 1 2 3 9 ٣ ४ １ ² ½ Ⅷ ① ' ' ' \u2019 \" . , ! ? ; : ( ) [ / \\ | _ - + = < > $ ^ ` ~ @ # % & * { } … 。 ， 、 । ۔ ، ！ ： \u201c £ © "
            "😀 👍 🏽 \u200d \u200b \u200c \u00ad \ufeff \x00 \x1b \x7f").split(" ")
BLANKS = [" ", " ", " ", " ", "  ", "   ", "\n", "\n", "\n\n", "\r\n", "\r", "\t", "\u3000", "\xa0", "\x0b", "\x85", "\u2028"]


def random_texts(count, seed):
    """Runs of one kind of character and leaps between kinds, with white space in a fifth of the places."""
    source = random.Random(seed)
    texts = []
    for _ in range(count):
        text = ""
        for _ in range(source.randint(1, 24)):
            text += source.choice(BLANKS if source.random() < 0.2 else ALPHABET) * source.choice([1, 1, 1, 1, 1, 2, 3, 4, 7])
        texts.append(text)
    return texts


TEXTS = list(dict.fromkeys(LETTERS + SCRIPTS + MARKS_AND_EMOJI + NUMBERS + SPACES + CONTROLS + CONTRACTIONS + CODE +
                           LINKS + LONG + PROSE + SPECIAL + CUTS + random_texts(300, 1)))

# Bytes that are not UTF-8: alone, between text, cut characters, overlong forms, surrogates, too large values.
INVALID = [
    b'\xff', b'\x80', b'\xc0\x80', b'a\xffb', b'Hello \xe9t\xe9', b'\xe2\x82', b'\xf0\x9f\x98', b'caf\xc3',
    b'\xc3(', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\xfe\xfe\xff\xff', b' \xff ', b'\xff  x', b'x  \xff',
    b'\xe2(\xa1', b'\xf0(\x8c\xbc', b'ok \xf8\x88\x80\x80\x80 ok', b'\xc3\xa9\xc3', b'1\xff2', b'\xa0\xa1',
    b'\xff\n\xff\n', b'<|im_end|>\xff<bos>', b'\xe3\x81\x82\xe3\x81', b'\xef\xbf\xbd\xff', b"'\xff's",
]
