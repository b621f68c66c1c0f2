import GestureCore

/// What a benchmark needs of the phone.
public protocol BenchmarkPhone: AnyObject {
    var thermal: ThermalLevel { get }
    /// Memory of this process in bytes; nil where the system does not tell.
    var memoryBytes: UInt64? { get }

    func sleep(milliseconds: Int)
}

/// What was measured; times in milliseconds.
public struct BenchmarkTimes: Equatable, Sendable {
    public let load: Double
    public let first: Double
    public let samples: [Double]
    public let thermalBefore: ThermalLevel
    public let thermalAfter: ThermalLevel
    /// Growth of the process's memory while the model was loaded and ran.
    public let memoryBytes: UInt64?
}

/// Times the inferences of one artefact, each over new noise whose making is not timed. A stream keeps its states over
/// the rounds.
public struct Benchmark {
    private let plan: BenchmarkPlan
    private let phone: BenchmarkPhone
    private let clock: MonotonicClock

    public init(_ plan: BenchmarkPlan, phone: BenchmarkPhone, clock: MonotonicClock = SystemClock()) {
        self.plan = plan
        self.phone = phone
        self.clock = clock
    }

    /// - Throws: what opening or running throws.
    public func measure(open: () throws -> Runner) throws -> BenchmarkTimes {
        let memoryBefore = phone.memoryBytes
        let (load, runner) = try timed(open)
        var noise = Noise()
        func once() throws -> Double {
            let input = try noise.tensor(runner.contract.input)
            return try timed { try runner.run(input) }.0
        }
        let first = try once()
        for _ in 0..<plan.warmUp { _ = try once() }
        phone.sleep(milliseconds: plan.coolDownMs)
        let thermalBefore = phone.thermal
        let samples = try (0..<plan.rounds).map { _ in try once() }
        let memoryAfter = phone.memoryBytes
        phone.sleep(milliseconds: plan.coolDownMs)
        return BenchmarkTimes(
            load: load, first: first, samples: samples, thermalBefore: thermalBefore, thermalAfter: phone.thermal,
            memoryBytes: Self.growth(memoryBefore, memoryAfter))
    }

    private func timed<Result>(_ work: () throws -> Result) rethrows -> (Double, Result) {
        let started = clock.nanoseconds()
        let result = try work()
        return (Double(clock.nanoseconds() - started) / 1e6, result)
    }

    private static func growth(_ before: UInt64?, _ after: UInt64?) -> UInt64? {
        guard let before, let after else { return nil }
        return after > before ? after - before : 0
    }
}
