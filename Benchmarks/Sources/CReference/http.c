#define _GNU_SOURCE
#include "reference.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int reference_connect(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
    close(fd);
    return -1;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

int reference_post(int socket, const void *request, size_t count) {
  const char *rest = request;
  while (count > 0) {
    ssize_t sent = send(socket, rest, count, MSG_NOSIGNAL);
    if (sent <= 0) return -1;
    rest += sent, count -= sent;
  }
  char answer[8192];
  size_t have = 0;
  while (have < sizeof answer - 1) {
    ssize_t got = recv(socket, answer + have, sizeof answer - 1 - have, 0);
    if (got <= 0) return -1;
    have += got;
    answer[have] = 0;
    char *end = strstr(answer, "\r\n\r\n");
    if (!end) continue;
    char *length = strcasestr(answer, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, 0, 10) : 0;
    int status = 0;
    if (have >= (size_t)(end - answer) + 4 + body) return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : -1;
  }
  return -1;
}

void reference_disconnect(int socket) { close(socket); }
