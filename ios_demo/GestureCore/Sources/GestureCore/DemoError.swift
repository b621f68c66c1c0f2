import Foundation

/// A fault that a person can mend: which file or value, what was expected, what to do.
public struct DemoError: Error, LocalizedError, CustomStringConvertible, Equatable, Sendable {
    public let message: String

    public init(_ message: String) {
        self.message = message
    }

    public var description: String { message }
    public var errorDescription: String? { message }
}
