import HTTPTypes
public import Hummingbird

extension Router {
  /// Answers every other method on the paths that are known with 405 and what is allowed there; to be called last.
  ///
  /// Without it a path that is asked with the wrong method would be said not to exist.
  public func refuseOtherMethods() {
    var known: [String: (path: RouterPath, methods: Set<HTTPRequest.Method>)] = [:]
    for route in routes {
      known[route.path.description, default: (route.path, [])].methods.insert(route.method)
    }
    let all: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]
    for (path, methods) in known.values {
      // HEAD is made from GET when the router is built.
      let allowed = methods.contains(.get) ? methods.union([.head]) : methods
      let list = allowed.map(\.rawValue).sorted().joined(separator: ", ")
      for method in all.subtracting(allowed) {
        on(path, method: method) { request, _ -> Response in
          throw WebProblem(
            .methodNotAllowed, "\(request.uri.path) is not asked with \(method.rawValue), but with \(list).",
            headers: [.allow: list])
        }
      }
    }
  }
}
