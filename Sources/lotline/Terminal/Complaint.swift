import ArgumentParser
import Foundation

/// Writes a message for people to standard error, apart from the results on standard output.
func complain(_ message: some CustomStringConvertible) {
  FileHandle.standardError.write(Data("lotline: \(message)\n".utf8))
}

/// Runs a command's body; an error that it throws is told in its one line, with exit status 1 or the given one.
func reporting(_ body: () async throws -> Void) async throws {
  do {
    try await body()
  } catch let code as ExitCode {
    throw code
  } catch let error as CleanExit {
    throw error
  } catch let error as ValidationError {
    throw error
  } catch {
    for line in "\(error)".split(separator: "\n") { complain(line) }
    throw ExitCode(1)
  }
}
