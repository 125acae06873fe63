"""What the people, agents and bots of the synthetic workspace are called, say and send."""

from __future__ import annotations

from typing import Any

NAMES = (
    ("Mai", "Nguyễn"),
    ("Tuấn", "Trần"),
    ("Ana", "Sousa"),
    ("Olga", "Петрова"),
    ("سارة", "العلي"),
    ("דנה", "לוי"),
    ("花子", "山田"),
    ("José", "Nuñez"),
    ("Ida", "Ødegård"),
    ("Ravi", "कुमार"),
    ("Zoë", "O'Neil"),
    ("민준", "김"),
    ("Max", None),
    (None, None),
)

QUESTIONS = (
    "Hi, is the blue one still in stock?",
    "Where is my order #{number}?",
    "How much is shipping to Da Nang?",
    "Shop ơi, mẫu này còn size M không ạ?",
    "Đơn #{number} của mình bao giờ tới?",
    "Can I change the address of order #{number}",
    "I would like to book a table for {number} please",
    "Quanto custa o plano anual?",
    "هل لديكم هذا باللون الأسود؟",
    "在庫はありますか？ #{number}",
    "The parcel came damaged, see the picture 😟",
    "Do you take cards?",
    "ok",
    "thanks!",
    "👍",
    "hello??",
)

REPLIES = (
    "Thank you for waiting. Order #{number} left our warehouse this morning.",
    "Yes, it is. Shall I reserve one for you?",
    "Dạ shop còn ạ, mình lấy màu nào ạ?",
    "I am sorry about that. A replacement is on its way, number {number}.",
    "Claro! O plano anual custa {number}.",
    "Delivery takes two to three working days.",
    "Could you send me your phone number, please?",
    "نعم، متوفر 😊",
    "You are welcome. Have a nice day!",
)

BOT_REPLIES = (
    "Hello 👋 I am the assistant. How can I help?",
    "Please choose: 1 Orders, 2 Prices, 3 Talk to a person",
    "I have found order #{number}.",
    "One moment, a colleague will answer soon.",
)

CAMPAIGNS = (
    "🎉 Summer sale: 20% off until Sunday!",
    "New arrivals are here: https://shop.example.com/new?utm_source=chat&id={number}",
    "We miss you! Here is a voucher: BACK{number}",
)

ACTIVITIES = (
    "Conversation was assigned to {agent}",
    "Conversation was marked as done by {agent}",
    "Bot was paused by {agent}",
)

COMMENTS = (
    "Customer was angry on the phone, please be kind",
    "@{agent} can you take this one?",
    "Refund approved, #{number}",
)

ODD_TEXTS = (
    "",
    "   spaces    and a tab\t",
    "one\ntwo\r\nthree",
    "👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🇻🇳",
    "שלום עולם \u202b mixed with English \u202c 123",
    "é is not é, Z͑ͫ̓͌a̵lgo",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠮷野家",
    "quotes \" ' ` and \\ and \\u0000 as text",
    "<b>html</b> & {{template}} <script>alert(1)</script>",
    "control \x01\x02\x1b[31m\x7f\x85 characters",
    "\ufeffbyte order mark, \u2028 line separator, \u00a0 no-break space",
    '=HYPERLINK("https://example.com"); DROP TABLE messages;--',
    "null",
    "word " * 1_000,
)

NUL_TEXT = "before\x00after"
LONG_TEXT = "Dài lắm… " * 11_666 + "Hết!!!"
"""105,000 characters, the longest text that was measured."""

JSON_VALUES: tuple[Any, ...] = (
    {"richResponse": {"executionId": "e1", "buttonPayloads": {"b1": {"payload": {"text": "yes"}}}}},
    {"type": "cards", "cards": [{"image": None, "title": "T"}], "quickReplies": ["A", "B"]},
    {"a": {"b": {"c": [1, 2.5, None, True, {"d": "é"}]}}, "big": 9007199254740993, "neg": -1.5e-7},
    {},
    [],
    [1, "two", None, {"three": 3}],
    "just a string",
    "",
    42,
    9007199254740993,
    -1.5e-7,
    0.1,
    True,
    False,
)
"""Every type of JSON, and numbers that a float would spoil."""

LOCATIONS: tuple[Any, ...] = (
    {"latitude": 10.7769, "longitude": 106.7009},
    {"lat": -33.45, "lng": -70.66, "label": "Santiago"},
    "Hà Nội",
    [21.0285, 105.8542],
    84,
    True,
)

AGENTS = ("Linh Đỗ", "Carlos Vega", "Amina Diallo", "Sofie Berg")
TAGS = ("vip", "newsletter", "wholesale", "đã mua", "complaint")
CUSTOM_FIELDS = {"plan": ("free", "pro", "enterprise"), "city": ("Hà Nội", "Porto", "")}
NOTES = ("Prefers to be called in the evening", "Đã hoàn tiền 💸")
CHANNELS = ("whatsapp", "messenger", "instagram", "telegram", "webchat")
COUNTRIES = (("VN", "vi_VN"), ("US", "en_US"), ("BR", "pt_BR"), ("AE", "ar_AE"), (None, None))
