import Hummingbird

/// What every site begins with: safe headers, failures in words, who may ask, and the style of its pages.
func siteRouter(guardedBy guarding: some RouterMiddleware<BasicRequestContext>) -> Router<BasicRequestContext> {
  let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
  router.add(middleware: SafeHeaders())
  router.add(middleware: ProblemMiddleware())
  router.add(middleware: guarding)
  Style.add(to: router)
  return router
}
