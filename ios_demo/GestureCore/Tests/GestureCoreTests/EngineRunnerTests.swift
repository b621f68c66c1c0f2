import XCTest

@testable import GestureCore
@testable import GestureTestSupport

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

    func testTheLogitsOfAClipAreTheMeanOfItsRows() throws {
        let text = TestContract.json(quantized: false, mode: "clip", stateful: true)
            .replacingOccurrences(of: "[1, 4]", with: "[2, 4]")
            .replacingOccurrences(of: "\"stateful\": true", with: "\"stateful\": false")
        let contract = try Contract.read(Data(text.utf8), name: "c")
        let runner = try EngineRunner(contract: contract, engine: RowsEngine())
        let tensor = Tensor(shape: [1, 3, 32, 32], elements: .float32(.init(repeating: 0, count: 3072)))
        XCTAssertEqual(try runner.run(tensor), [3, 4, 5, 6])
    }

    func testThePipelineRefusesAClip() throws {
        let contract = try Contract.read(Data(TestContract.json(mode: "clip").utf8), name: "c")
        XCTAssertThrowsError(try Model(FakeRunner(contract), thresholds: nil)) {
            XCTAssertTrue("\($0)".contains("--mode stream"), "\($0)")
        }
    }

    private func input() -> Tensor {
        Tensor(shape: [1, 32, 32, 3], elements: .int8(.init(repeating: 0, count: 3072)))
    }
}

/// Two rows of logits: 1 to 4, and 5 to 8.
private final class RowsEngine: Engine {
    let runtime = "rows"

    func step(_ inputs: [NamedTensor], outputs: [OutputSpec]) throws -> [Tensor] {
        [Tensor(shape: [2, 4], elements: .float32((1...8).map(Float.init)))]
    }
}
