"""HTTP: one request to the ChatbotX API and its answer; nothing of rules or tables."""
