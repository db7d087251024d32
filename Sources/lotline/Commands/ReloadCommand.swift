import ArgumentParser
import Events

struct ReloadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload", abstract: "Has the running edge take its settings and maps as the files have them now.",
    discussion: """
      All of it or nothing: files that `lotline check` refuses leave everything as it was. Only devices whose settings \
      or map changed are restarted; the queue is not touched, and what is in effect at a station stays. Exit status 1 \
      where the files were not taken. `systemctl reload lotline-edge` does the same and says it in the log.

      EXAMPLES
        lotline reload
        lotline reload --json
      """)

  @OptionGroup var edge: EdgeOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      let answer = try await edge.asking().send("/v1/reload", method: "POST")
      guard let json = answer.json, let taken = json["taken"]?.flag else {
        throw Asking.Failure(description: "the edge's answer is not JSON: is another program at its socket?")
      }
      if output.json {
        output.printRaw(answer.body)
      } else {
        print(visible(json["words"]?.text ?? ""))
      }
      guard !taken else { return }
      for problem in json["problems"]?.items ?? [] { complain(problem.text ?? "") }
      throw ExitCode(1)
    }
  }
}
