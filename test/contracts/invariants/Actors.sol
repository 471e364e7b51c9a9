// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IFineTuningTypes} from "../../../contracts/interfaces/IFineTuningTypes.sol";
import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {ISignerRotation} from "../../../contracts/interfaces/ISignerRotation.sol";
import {Signed} from "../utils/Signed.sol";

/// Users and providers that do anything in any order. Each action is one that somebody could take; what would
/// revert is caught, so a run goes on.
contract Actors is Signed {
    address[4] public users = [makeAddr("u0"), makeAddr("u1"), makeAddr("u2"), makeAddr("u3")];
    address[2] public providers = [makeAddr("p0"), makeAddr("p1")];

    /// What users put in and took out of the network.
    mapping(address => uint256) public paidIn;
    mapping(address => uint256) public paidOut;
    /// What enclaves signed away of a user, and what was earned of it.
    mapping(address => uint256) public signedAway;
    mapping(address => uint256) public earned;

    /// The highest cumulative signed by an enclave, and the highest that was ever seen settled.
    mapping(address => mapping(address => uint256)) public owed;
    mapping(address => mapping(address => uint256)) public highestSettled;

    /// Calls that reverted; Foundry records the logs of those too.
    uint256 public refused;

    /// The highest cap of a delegation, whole gwei.
    mapping(address => mapping(address => uint256)) private _cap;

    uint256 private constant SESSION_KEY = 0x5e5;
    uint256 private _nonce;

    function setUp() public override {
        vm.warp(1_800_000_000);
        _deploy(address(0));
        for (uint256 i; i < providers.length; ++i) {
            _registerInference(providers[i], tee);
            _registerFineTuning(providers[i], tee);
        }
    }

    /* USERS */

    function deposit(uint256 from, uint256 to, uint256 amount) external {
        (address payer, address user) = (_user(from), _user(to));
        amount = bound(amount, 1, 10 ether);
        vm.deal(payer, amount);
        vm.prank(payer);
        ledger.depositFundFor{value: amount}(user);
        paidIn[user] += amount;
    }

    function transfer(uint256 u, uint256 p, bool tuning, uint256 amount) external {
        address user = _user(u);
        amount = bound(amount, 0, 12 ether);
        vm.prank(user);
        try ledger.transferFund(_provider(p), _service(tuning), amount) {}
        catch {
            ++refused;
        }
    }

    function requestPart(uint256 u, uint256 p, uint256 amount) external {
        amount = bound(amount, 0, 5 ether);
        vm.prank(_user(u));
        try ledger.requestRefund(address(inference), _provider(p), amount) {}
        catch {
            ++refused;
        }
    }

    function retrieve(uint256 u, bool tuning) external {
        address[] memory all = new address[](2);
        (all[0], all[1]) = (providers[0], providers[1]);
        vm.prank(_user(u));
        try ledger.retrieveFund(all, _service(tuning)) {}
        catch {
            ++refused;
        }
    }

    function refund(uint256 u, uint256 amount, bool everything) external {
        address user = _user(u);
        amount = everything ? _availableOrZero(user) : bound(amount, 0, 12 ether);
        uint256 before = user.balance;
        vm.prank(user);
        try ledger.refund(amount) {
            assertEq(user.balance, before + amount);
            paidOut[user] += amount;
        } catch {
            ++refused;
        }
    }

    function deleteLedger(uint256 u) external {
        vm.prank(_user(u));
        try ledger.deleteLedger() {}
        catch {
            ++refused;
        }
    }

    function onboard(uint256 u, uint256 p, bool tuning, uint256 value, uint256 amount) external {
        (address user, address who) = (_user(u), _provider(p));
        value = bound(value, 0, 5 ether);
        amount = bound(amount, 0, 6 ether);
        address service = tuning ? address(fineTuning) : address(inference);
        (address signer,) = ISignerRotation(service).signerOf(who);
        vm.deal(user, user.balance + value);
        vm.prank(user);
        try ledger.onboard{value: value}(service, who, signer, amount) {
            paidIn[user] += value;
        } catch {
            ++refused;
        }
    }

    function leave(uint256 u) external {
        address user = _user(u);
        uint256 before = user.balance;
        vm.prank(user);
        try ledger.leave() {
            paidOut[user] += user.balance - before;
        } catch {
            ++refused;
        }
    }

    function withdrawAcknowledgement(uint256 u, uint256 p) external {
        vm.prank(_user(u));
        try inference.withdrawAcknowledgement(_provider(p)) {}
        catch {
            ++refused;
        }
    }

    function acknowledge(uint256 u, uint256 p, bool on) external {
        vm.prank(_user(u));
        try inference.acknowledgeTEESigner(_provider(p), on) {}
        catch {
            ++refused;
        }
    }

    /* PROVIDERS */

    function settle(uint256 u, uint256 p, uint256 fee, bool replay) external {
        (address user, address who) = (_user(u), _provider(p));
        fee = bound(fee, 0, 8 ether);
        IInferenceTypes.TEESettlementData[] memory rows =
            new IInferenceTypes.TEESettlementData[](replay ? 2 : 1);
        rows[0] = _signedRow(TEE_KEY, user, who, fee, ++_nonce);
        if (replay) rows[1] = rows[0];
        signedAway[user] += fee;
        uint256 before = who.balance;
        vm.prank(who);
        inference.settleFeesWithTEE(rows);
        earned[user] += who.balance - before;
    }

    /// A batch over two users, who may be the same; now and then an old one again.
    function settleBatch(uint256 u, uint256 p, uint256 fee, uint256 age, bool replay) external {
        address who = _provider(p);
        (address one, address two) = (_user(u), _user(u / 4));
        fee = bound(fee, 0, 6 ether);
        uint48 number = uint48(++_nonce);
        owed[one][who] += fee;
        owed[two][who] += fee / 2;
        bytes memory rows = bytes.concat(_rowOf(one, owed[one][who]), _rowOf(two, owed[two][who]));
        signedAway[one] += fee;
        signedAway[two] += fee / 2;
        uint64 asOf = uint64(block.timestamp - bound(age, 0, 1 hours));
        _send(who, number, asOf, rows, one, two);
        if (replay) _send(who, number, asOf, rows, one, two);
    }

    function _send(address who, uint48 number, uint64 asOf, bytes memory rows, address one, address two)
        private
    {
        bytes memory signature = _batchSignature(TEE_KEY, who, number, asOf, rows);
        uint256[2] memory before = [_settledBy(one, who), _settledBy(two, who)];
        uint256 balance = who.balance;
        try inference.settleBatch(who, number, asOf, rows, signature) returns (uint256 paid) {
            uint256 first = _settledBy(one, who) - before[0];
            uint256 second = one == two ? 0 : _settledBy(two, who) - before[1];
            assertEq(paid, first + second);
            assertEq(who.balance, balance + paid);
            earned[one] += first;
            earned[two] += second;
        } catch {
            ++refused;
        }
        highestSettled[one][who] = _settledBy(one, who);
        highestSettled[two][who] = _settledBy(two, who);
    }

    function delegate(uint256 u, uint256 p, uint256 cap, uint256 time) external {
        (address user, address who) = (_user(u), _provider(p));
        cap = bound(cap, 0, 20 ether);
        uint40 expiry = uint40(block.timestamp + bound(time, 1, 20 * LOCK));
        vm.prank(user);
        try inference.delegateSession(who, user, vm.addr(SESSION_KEY), uint96(cap), expiry, "") {
            _cap[user][who] = cap / 1 gwei * 1 gwei;
        } catch {
            ++refused;
        }
    }

    function endSession(uint256 u, uint256 p) external {
        vm.prank(_user(u));
        inference.endSession(_provider(p));
    }

    /// A voucher of the session key, or of another key, claimed in part, by its provider or anyone, perhaps twice.
    function claim(uint256 u, uint256 p, uint256 fee, uint256 part, uint256 how) external {
        (address user, address who) = (_user(u), _provider(p));
        bool isRight = how % 8 != 0;
        uint256 signed = owed[user][who] + bound(fee, 0, 6 ether);
        if (isRight) {
            signedAway[user] += signed - owed[user][who];
            owed[user][who] = signed;
        }
        uint96 claimed = uint96(bound(part, 0, signed));
        bytes memory row =
            _voucherFor(isRight ? SESSION_KEY : OTHER_KEY, who, user, claimed, uint96(signed));
        if (how % 3 == 0) row = bytes.concat(row, row);
        (uint256 before, uint256 balance) = (_settledBy(user, who), who.balance);
        vm.prank(how % 5 == 0 ? makeAddr("stranger") : who);
        uint256 paid = inference.settleVouchers(who, row);
        uint256 settled = _settledBy(user, who);
        assertEq(paid, settled - before);
        assertEq(who.balance, balance + paid);
        if (paid != 0) {
            assertTrue(isRight);
            assertLe(settled, claimed);
            assertLe(settled, _cap[user][who]);
        }
        earned[user] += paid;
        highestSettled[user][who] = settled;
    }

    function rotate(uint256 p, bool back) external {
        vm.prank(_provider(p));
        try inference.rotateSigner(back ? tee : vm.addr(OTHER_KEY), uint48(_nonce)) {}
        catch {
            ++refused;
        }
    }

    function settledBy(address user, address who) external view returns (uint256) {
        return _settledBy(user, who);
    }

    function _settledBy(address user, address who) private view returns (uint256 settled) {
        (settled,,,) = inference.settledOf(user, who);
    }

    function deliver(uint256 u, uint256 p, uint256 fee, bool acknowledged) external {
        (address user, address who) = (_user(u), _provider(p));
        if (!fineTuning.accountExists(user, who)) return;
        fee = bound(fee, 0, 8 ether);
        string memory id = vm.toString(++_nonce);
        vm.prank(who);
        try fineTuning.addDeliverable(user, id, hex"aa") {} catch {}
        if (acknowledged) {
            vm.prank(user);
            try fineTuning.acknowledgeDeliverable(who, id) {} catch {}
        }
        IFineTuningTypes.VerifierInput memory input =
            _input(user, id, acknowledged ? bytes("k") : bytes(""), _nonce, fee);
        signedAway[user] += fee;
        uint256 before = who.balance;
        vm.prank(who);
        try fineTuning.settleFees(input) {}
        catch {
            ++refused;
            vm.prank(who);
            try fineTuning.abandonDeliverable(user, id) {} catch {}
        }
        earned[user] += who.balance - before;
    }

    function serve(uint256 p, bool tuning, bool on) external {
        address who = _provider(p);
        uint256 value = _stakeOf(tuning, who) == 0 ? MIN_STAKE : 0;
        vm.deal(who, who.balance + value);
        vm.startPrank(who);
        if (!on && tuning) {
            try fineTuning.removeService() {}
            catch {
                ++refused;
            }
        }
        if (!on && !tuning) {
            try inference.removeService() {}
            catch {
                ++refused;
            }
        }
        if (on && !tuning) inference.addOrUpdateService{value: value}(_params(tee));
        vm.stopPrank();
        if (on && tuning) _offer(who, tee, value);
    }

    function withdrawStake(uint256 p, bool tuning) external {
        vm.startPrank(_provider(p));
        if (tuning) {
            try fineTuning.withdrawStake() {}
            catch {
                ++refused;
            }
        } else {
            try inference.withdrawStake() {}
            catch {
                ++refused;
            }
        }
        vm.stopPrank();
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 2 * LOCK));
    }

    /// One action, chosen by `seed`: for tests that make their own sequences.
    function act(uint256 seed) external {
        uint256 a = uint256(keccak256(abi.encode(seed, 1)));
        uint256 b = uint256(keccak256(abi.encode(seed, 2)));
        uint256 c = uint256(keccak256(abi.encode(seed, 3)));
        bool flag = c % 2 == 0;
        uint256 choice = seed % 15;
        if (choice == 0) this.deposit(a, b, c);
        else if (choice == 1) this.transfer(a, b, flag, c);
        else if (choice == 2) this.requestPart(a, b, c);
        else if (choice == 3) this.retrieve(a, flag);
        else if (choice == 4) this.refund(a, b, flag);
        else if (choice == 5) this.settle(a, b, c, flag);
        else if (choice == 6) this.deliver(a, b, c, flag);
        else if (choice == 7) this.onboard(a, b, flag, c, a);
        else if (choice == 8) this.leave(a);
        else if (choice == 9) this.settleBatch(a, b, c, 0, flag);
        else if (choice == 10) this.pass(a);
        else if (choice == 11) this.delegate(a, b, c, a);
        else if (choice == 12) this.claim(a, b, c, a, c / 2);
        else if (choice == 13) this.serve(a, flag, c % 3 == 0);
        else this.onboard(a, b, false, c, c / 2);
    }

    /* WHAT THE INVARIANTS READ */

    function ledgerOwes() external view returns (uint256 sum) {
        for (uint256 i; i < users.length; ++i) {
            sum += _availableOrZero(users[i]);
        }
    }

    function servingOwes(bool tuning) external view returns (uint256 sum) {
        for (uint256 i; i < users.length; ++i) {
            sum += lockedAt(tuning, users[i]);
        }
    }

    function stakesOwe() external view returns (uint256 sum) {
        for (uint256 i; i < providers.length; ++i) {
            sum += _stakeOf(true, providers[i]) + _stakeOf(false, providers[i]);
        }
    }

    function lockedAt(bool tuning, address user) public view returns (uint256) {
        address[] memory all = new address[](2);
        (all[0], all[1]) = (providers[0], providers[1]);
        return tuning ? fineTuning.balancesOf(user, all) : inference.balancesOf(user, all);
    }

    function totalOf(address user) external view returns (uint256) {
        try ledger.getLedger(user) returns (ILedgerManager.Ledger memory record) {
            return record.totalBalance;
        } catch {
            return 0;
        }
    }

    function pendingOf(address user, address who) external view returns (uint256 pending, uint256 balance) {
        if (!inference.accountExists(user, who)) return (0, 0);
        IInferenceTypes.Account memory account = inference.getAccount(user, who);
        return (account.pendingRefund, account.balance);
    }

    function availableOf(address user) external view returns (uint256) {
        return _availableOrZero(user);
    }

    function addresses() external view returns (address, address, address, address) {
        return (address(ledger), address(inference), address(fineTuning), address(stakes));
    }

    /* INTERNALS */

    function _availableOrZero(address user) private view returns (uint256) {
        try ledger.getLedger(user) returns (ILedgerManager.Ledger memory record) {
            return record.availableBalance;
        } catch {
            return 0;
        }
    }

    function _stakeOf(bool tuning, address who) private view returns (uint256 amount) {
        (amount,) = stakes.stakeOf(tuning ? address(fineTuning) : address(inference), who);
    }

    function _user(uint256 seed) private view returns (address) {
        return users[seed % users.length];
    }

    function _provider(uint256 seed) private view returns (address) {
        return providers[seed % providers.length];
    }

    function _service(bool tuning) private pure returns (string memory) {
        return tuning ? FINE_TUNING : INFERENCE;
    }
}
