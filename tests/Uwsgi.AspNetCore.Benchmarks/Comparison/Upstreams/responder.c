/* The floor: waits for a uwsgi request head without looking into it, answers "Hello, World!", closes.
   Takes unix:/path or 127.0.0.1:port (0 picks one), prints the address, and ends with its standard input. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 65536, HEAD = 4 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
static unsigned char heads[MAX_CONNECTIONS][HEAD];
static unsigned received[MAX_CONNECTIONS];

static int open_listener(const char *address) {
    int type = SOCK_STREAM | SOCK_NONBLOCK, listener;
    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        strncpy(at.sun_path, address + 5, sizeof at.sun_path - 1);
        listener = socket(AF_UNIX, type, 0);
        if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) exit(1);
        printf("listening uwsgi://%s\n", address);
    } else {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(strchr(address, ':') + 1))};
        socklen_t size = sizeof at;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener = socket(AF_INET, type, 0);
        if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) exit(1);
        getsockname(listener, (struct sockaddr *)&at, &size);
        printf("listening uwsgi://127.0.0.1:%d\n", ntohs(at.sin_port));
    }
    fflush(stdout);
    return listener;
}

/* Returns 0 while bytes are missing. The first four are modifier1, the size of the rest (little endian), modifier2. */
static int serve(int connection) {
    static unsigned char buffer[65536];
    ssize_t count = read(connection, buffer, sizeof buffer);
    if (count < 0) return 0;
    for (ssize_t i = 0; i < count && received[connection] + i < HEAD; i++) heads[connection][received[connection] + i] = buffer[i];
    received[connection] += count;
    unsigned size = HEAD + heads[connection][1] + 256u * heads[connection][2];
    if (count > 0 && (received[connection] < HEAD || received[connection] < size)) return 0;
    /* A web server that is gone gets no answer. */
    if (count > 0) count = write(connection, answer, sizeof answer - 1);
    close(connection);
    return 1;
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    int listener = open_listener(arguments[1]), poll = epoll_create1(0), n, connection;
    struct epoll_event events[256], event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = STDIN_FILENO;
    epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    while ((n = epoll_wait(poll, events, 256, -1)) != 0) {
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == STDIN_FILENO) return 0;
            if (events[i].data.fd != listener) {
                serve(events[i].data.fd);
                continue;
            }
            while ((connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (connection >= MAX_CONNECTIONS) return 1;
                received[connection] = 0;
                if (serve(connection)) continue;
                event.data.fd = connection;
                epoll_ctl(poll, EPOLL_CTL_ADD, connection, &event);
            }
        }
    }
}
