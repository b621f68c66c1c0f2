import XCTest

@testable import GestureCore

final class SourceOutletTests: XCTestCase {
    /// A reset that follows a close must not be overtaken by a frame of before it.
    func testCloseWaitsForWhatIsOnItsWayThrough() {
        let (entered, mayGo) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let order = Notes()
        let outlet = SourceOutlet(
            onFrame: { _ in },
            onStatus: { _ in
                entered.signal()
                mayGo.wait()
                order.add("delivered")
            })
        let done = DispatchGroup()
        DispatchQueue.global().async(group: done) { outlet.status(.running) }
        entered.wait()
        DispatchQueue.global().async(group: done) {
            outlet.close()
            order.add("closed")
        }
        Thread.sleep(forTimeInterval: 0.05)
        mayGo.signal()
        done.wait()
        XCTAssertEqual(order.all, ["delivered", "closed"])
    }

    func testWhatIsDeliveredMayClose() {
        var outlet: SourceOutlet?
        var heard = 0
        let made = SourceOutlet(
            onFrame: { _ in },
            onStatus: { _ in
                heard += 1
                outlet?.close()
            })
        outlet = made
        made.status(.running)
        made.status(.running)
        XCTAssertEqual(heard, 1)
    }
}

private final class Notes: @unchecked Sendable {
    private let lock = NSLock()
    private var notes: [String] = []

    var all: [String] { lock.withLock { notes } }

    func add(_ note: String) { lock.withLock { notes.append(note) } }
}
