import XCTest

@testable import GestureCore

final class EngineRunnerTests: XCTestCase {
    func testStatesBeginAtResetAndGoBackIn() throws {
        let engine = FakeEngine()
        let runner = try EngineRunner(contract: TestContract.read(), engine: engine)
        XCTAssertEqual(try runner.run(input()), [1, 1, 1, 1])
        XCTAssertEqual(try runner.run(input()), [1, 1, 1, 1])
        XCTAssertEqual(engine.given.map { $0[1].tensor.elements }, [.int8([-7, -7]), .int8([1, 1])])
        XCTAssertEqual(engine.given[0].map(\.name), ["frames", "state_1"])
        try runner.reset()
        _ = try runner.run(input())
        XCTAssertEqual(engine.given[2][1].tensor.elements, .int8([-7, -7]))
        XCTAssertEqual(engine.resets, 0)
    }

    func testAnArtefactThatKeepsItsStatesIsToldToForget() throws {
        let engine = FakeEngine()
        let runner = try EngineRunner(contract: TestContract.read(stateful: true), engine: engine)
        XCTAssertEqual(engine.resets, 1)
        _ = try runner.run(input())
        try runner.reset()
        XCTAssertEqual(engine.resets, 2)
        XCTAssertEqual(engine.given[0].count, 1)
    }

    func testRealLogitsStayAsTheyAre() throws {
        let runner = try EngineRunner(contract: TestContract.read(quantized: false), engine: FakeEngine())
        let tensor = Tensor(shape: [1, 3, 32, 32], elements: .float32(.init(repeating: 0, count: 3072)))
        XCTAssertEqual(try runner.run(tensor), [11, 11, 11, 11])
        XCTAssertThrowsError(try runner.run(input()))
    }

    func testAClipIsRefused() throws {
        let contract = try Contract.read(Data(TestContract.json(mode: "clip").utf8), name: "c")
        XCTAssertThrowsError(try EngineRunner(contract: contract, engine: FakeEngine())) {
            XCTAssertTrue("\($0)".contains("--mode stream"), "\($0)")
        }
    }

    private func input() -> Tensor {
        Tensor(shape: [1, 32, 32, 3], elements: .int8(.init(repeating: 0, count: 3072)))
    }
}
