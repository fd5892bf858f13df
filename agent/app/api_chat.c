/* api_chat.c - /v1/chat/completions: OpenAI's chat endpoint, not streamed. */
#include "app/api_internal.h"

static void chat_finished(struct api_call *c, const json_t *view)
{
    api_reply(c, 200, openai_chat(view));
}

void api_chat_create(struct api_call *c)
{
    c->accepted = api_submit_result;
    c->finished = chat_finished;
    api_submit_shape(c, OPENAI_CHAT, "chat.completions");
}
