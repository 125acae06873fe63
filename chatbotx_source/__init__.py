"""A dlt source that turns a ChatbotX workspace into analytics tables."""
