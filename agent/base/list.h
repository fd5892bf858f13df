/* list.h - intrusive doubly linked list: the link is a member of what is listed, so adding cannot fail. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A head and a link are the same thing; an element in no list links to itself. */
struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts link at the end of head. link must be in no list. */
static inline void list_push(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/* Takes link out of its list; harmless for one in no list. */
static inline void list_drop(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The first link, or NULL when the list is empty. */
static inline struct list *list_first(const struct list *head)
{
    return head->next == head ? NULL : head->next;
}

/* Takes the first link out of its list and gives it, or NULL when the list is empty: for emptying one. */
static inline struct list *list_take(struct list *head)
{
    struct list *first = head->next;

    if (first == head) {
        return NULL;
    }
    head->next = first->next;
    first->next->prev = head;
    list_init(first);
    return first;
}

/* Walks head; the body may drop the link it is given (not others). */
#define list_each(link, after, head)                                                                         \
    for (struct list *link = (head)->next, *after = link->next; link != (head);                              \
         link = after, after = link->next)

#endif
