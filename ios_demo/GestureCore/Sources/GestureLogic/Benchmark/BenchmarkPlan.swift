import Foundation
import GestureCore

/// What a benchmark is to do, from the app's launch arguments: the same words as the Android app's extras.
///
///     --benchmark --model NAME [--runtime coreml|executorch] [--compute-units ALL] [--threads 1] [--rounds 50]
///     [--warm-up 5] [--cool-down-ms 1000] [--run ID]
public struct BenchmarkPlan: Equatable, Sendable {
    public var model: String
    public var runtime: RuntimeKey?
    public var computeUnits = ComputeUnits.all
    /// Taken for the sake of one command line for both systems: neither runtime lets an iOS app choose, so the file
    /// says null.
    public var threads = 1
    /// Measured inferences.
    public var rounds = 50
    public var warmUp = 5
    /// Rest before the first measured inference and before the thermal state is read again.
    public var coolDownMs = 1000
    /// Names the file.
    public let run: String
    public static let usualRun = "benchmark"

    /// Whether the arguments ask for a benchmark.
    public static func isAsked(_ arguments: [String]) -> Bool {
        arguments.contains("--benchmark")
    }

    /// The name of the result's file; it must not lead out of its folder.
    ///
    /// - Throws: `DemoError` of a name that might.
    public static func run(of arguments: [String]) throws -> String {
        guard let place = arguments.firstIndex(of: "--run"), place + 1 < arguments.count else { return usualRun }
        let run = arguments[place + 1]
        guard run.range(of: "^[A-Za-z0-9._-]{1,64}$", options: .regularExpression) != nil,
            run.contains(where: { $0 != "." })
        else {
            throw DemoError("--run is '\(run)'; expected 1 to 64 letters, digits, dots, hyphens or underscores")
        }
        return run
    }

    /// - Throws: `DemoError` of an argument that is unknown, has no value or a wrong one.
    public init(arguments: [String]) throws {
        run = try Self.run(of: arguments)
        var values: [String: String] = [:]
        var rest = arguments.filter { $0 != "--benchmark" }[...]
        while let name = rest.popFirst() {
            guard name.hasPrefix("--") else { continue }  // Xcode adds arguments of its own, with one hyphen
            guard let value = rest.popFirst() else { throw DemoError("\(name) has no value") }
            values[name] = value
        }
        guard let model = values.removeValue(forKey: "--model") else { throw DemoError("--model is missing") }
        self.model = model
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            try set(name, value)
        }
    }

    private mutating func set(_ name: String, _ value: String) throws {
        switch name {
        case "--runtime": runtime = try Self.choice(name, value)
        case "--compute-units": computeUnits = try Self.choice(name, value)
        case "--threads": threads = try Self.number(name, value, 1...64)
        case "--rounds": rounds = try Self.number(name, value, 1...100_000)
        case "--warm-up": warmUp = try Self.number(name, value, 0...100_000)
        case "--cool-down-ms": coolDownMs = try Self.number(name, value, 0...600_000)
        case "--run": break  // read first, so that a fault of another argument can be written to its file
        default: throw DemoError("\(name) is no argument of a benchmark")
        }
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ value: String
    ) throws -> Choice where Choice.RawValue == String {
        guard let choice = Choice(rawValue: value) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw DemoError("\(name) is '\(value)'; expected one of \(known)")
        }
        return choice
    }

    private static func number(_ name: String, _ value: String, _ range: ClosedRange<Int>) throws -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw DemoError("\(name) is '\(value)'; expected \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
