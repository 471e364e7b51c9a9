// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDisputes} from "../../../contracts/interfaces/IDisputes.sol";
import {Signed} from "../utils/Signed.sol";

/// An honest provider whose every receipt is turned against it, and a cheat who owns payers and watchers and
/// disputes itself in the hope of its stake.
contract DisputeActors is Signed {
    address private constant NOBODY = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant CHEAT_KEY = 0xc4ea7;

    address public cheat = makeAddr("cheat");
    address[3] public users = [makeAddr("d0"), makeAddr("d1"), makeAddr("d2")];

    /// What the cheat staked, and what it got back: by withdrawal and by claims.
    uint256 public staked;
    uint256 public withdrawn;
    uint256 public claimed;
    /// The stakes that disputes took away.
    uint256 public slashed;
    /// How often each kind of thing happened: a run in which nothing happens shows nothing.
    uint256 public disputes;
    uint256 public attacks;

    IDisputes.Receipt[] private _receipts;
    mapping(address user => uint96) private _owed;
    uint48 private _number;
    uint256 private _key = CHEAT_KEY;
    uint256 private _exitFrom;
    mapping(uint256 window => uint256) private _openedAt;

    function setUp() public override {
        super.setUp();
        vm.prank(cheat);
        vm.deal(cheat, MIN_STAKE);
        inference.addOrUpdateService{value: MIN_STAKE}(_params(vm.addr(_key)));
        staked = MIN_STAKE;
        for (uint256 i; i < users.length; ++i) {
            _fund(users[i], provider, INFERENCE, 20 ether);
            _fund(users[i], cheat, INFERENCE, 20 ether);
        }
    }

    /* THE HONEST PROVIDER */

    function serve(uint256 u, uint256 fee) external {
        address user = _user(u);
        fee = bound(fee, 0, 1 ether);
        _owed[user] += uint96(fee);
        IDisputes.Receipt memory r = _receipt(user, ++_number, _owed[user]);
        r.fee = uint96(fee);
        _receipts.push(r);
    }

    function settle(uint256 u) external {
        address user = _user(u);
        _batch(TEE_KEY, ++_number, _rowOf(user, _owed[user]));
    }

    /// Every pair of its receipts, and every receipt against what is settled.
    function attack(uint256 i, uint256 j) external {
        if (_receipts.length == 0) return;
        IDisputes.Receipt memory one = _receipts[i % _receipts.length];
        IDisputes.Receipt memory two = _receipts[j % _receipts.length];
        (bytes memory a, bytes memory b) = (_signReceipt(TEE_KEY, one), _signReceipt(TEE_KEY, two));
        ++attacks;
        vm.startPrank(_user(i));
        try stakes.disputeReceipts(address(inference), one, a, two, b) {} catch {}
        try stakes.disputeSettlement(address(inference), one, a) {} catch {}
        vm.stopPrank();
    }

    /* THE CHEAT */

    function equivocate(uint256 u, uint256 v, uint256 sender, uint48 number) external {
        IDisputes.Receipt memory one = _receipt(_user(u), number, 1);
        IDisputes.Receipt memory two = _receipt(_user(v), number, 2);
        (one.provider, two.provider) = (cheat, cheat);
        (bytes memory a, bytes memory b) = (_signReceipt(_key, one), _signReceipt(_key, two));
        uint256 before = block.timestamp;
        vm.prank(_user(sender));
        try stakes.disputeReceipts(address(inference), one, a, two, b) {
            _noteWindow(before);
        } catch {}
    }

    /// Charges a payer of its own, then signs that the payer owed nothing.
    function overcharge(uint256 u, uint256 sender, uint256 amount) external {
        address user = _user(u);
        (uint256 settled,,,) = inference.settledOf(user, cheat);
        bytes memory rows = _rowOf(user, settled + bound(amount, 1, 30 ether));
        bytes memory signature = _batchSignature(_key, cheat, ++_number, uint64(block.timestamp), rows);
        try inference.settleBatch(cheat, _number, uint64(block.timestamp), rows, signature) {}
        catch {
            return;
        }
        IDisputes.Receipt memory r = _receipt(user, ++_number, 0);
        r.provider = cheat;
        signature = _signReceipt(_key, r);
        vm.prank(_user(sender));
        try stakes.disputeSettlement(address(inference), r, signature) {
            _noteWindow(block.timestamp);
        } catch {}
    }

    function resolve() external {
        uint256 amount = stakeOf(cheat);
        try stakes.resolve(address(inference), cheat) {
            slashed += amount;
        } catch {}
    }

    function collect(uint256 u, uint256 window) external {
        address user = _user(u);
        (uint256 last,) = stakes.windowOf(address(inference), cheat);
        window = bound(window, 0, last);
        uint256 before = user.balance;
        try stakes.collectClaim(address(inference), cheat, window, user) {
            assertGt(block.timestamp, _openedAt[window] + LOCK, "a claim before the exit delay");
            claimed += user.balance - before;
        } catch {}
    }

    function startExit() external {
        vm.prank(cheat);
        try inference.removeService() {
            _exitFrom = block.timestamp;
        } catch {}
    }

    function withdraw() external {
        uint256 before = cheat.balance;
        vm.prank(cheat);
        try inference.withdrawStake() {
            assertGe(block.timestamp, _exitFrom + LOCK, "a stake before the exit delay");
            withdrawn += cheat.balance - before;
        } catch {}
    }

    /// Serves again, with a signer that no window has ended; payers acknowledge it.
    function comeBack() external {
        uint256 value = stakeOf(cheat) == 0 ? MIN_STAKE : 0;
        vm.deal(cheat, cheat.balance + value);
        vm.prank(cheat);
        try inference.addOrUpdateService{value: value}(_params(vm.addr(_key + 1))) {
            ++_key;
            staked += value;
        } catch {
            return;
        }
        for (uint256 i; i < users.length; ++i) {
            vm.prank(users[i]);
            inference.acknowledgeTEESigner(cheat, true);
        }
    }

    function topUp(uint256 amount) external {
        amount = bound(amount, 1, 5 ether);
        vm.deal(address(this), amount);
        try stakes.topUp{value: amount}(address(inference), cheat) {
            staked += amount;
        } catch {}
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, LOCK));
    }

    /* WHAT THE INVARIANTS READ */

    function stakeOf(address who) public view returns (uint256 amount) {
        (amount,) = stakes.stakeOf(address(inference), who);
    }

    function honest() external view returns (uint256 stake, uint256 frozen, bool revoked) {
        (,,, revoked) = inference.signerRecord(provider, tee);
        return (stakeOf(provider), stakes.frozenUntil(address(inference), provider), revoked);
    }

    function burned() external view returns (uint256) {
        return NOBODY.balance;
    }

    /// Of the cheat: its stake, and what resolved windows owe. The fixture's provider has two stakes beside.
    function heldForCheat() external view returns (uint256) {
        return address(stakes).balance - 2 * MIN_STAKE;
    }

    function _noteWindow(uint256 openedAt) private {
        (uint256 window,) = stakes.windowOf(address(inference), cheat);
        if (_openedAt[window] == 0) _openedAt[window] = openedAt;
        ++disputes;
    }

    function _user(uint256 seed) private view returns (address) {
        return users[seed % users.length];
    }
}
